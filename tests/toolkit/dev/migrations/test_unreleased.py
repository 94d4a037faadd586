"""Which revisions `migrate.lint` checks: what the default branch, a commit or a revision lacks."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.dev.migrations.unreleased import Unknown, unreleased
from toolkit.dev.service import Revision, Revisions

CHAIN = ("first", "second", "third", "fourth")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def write(project: Path, *names: str) -> None:
    for name in names:
        path = project / "alembic" / "versions" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'revision = "{name}"\n')


def commit(project: Path, *names: str) -> str:
    write(project, *names)
    git(project, "add", ".")
    git(project, "commit", "-q", "--allow-empty", "-m", "more")
    return git(project, "rev-parse", "HEAD")


def revisions(project: Path) -> Revisions:
    """Those of CHAIN that are in the folder, each on top of the one before."""
    paths = {name: project / "alembic" / "versions" / f"{name}.py" for name in CHAIN}
    known = {
        name: Revision(name, paths[name], f"{name}.py", ancestors=frozenset(CHAIN[:place]))
        for place, name in enumerate(CHAIN)
        if paths[name].exists()
    }
    return Revisions(known)


def chosen(project: Path, since: str = "") -> list[str]:
    return [revision.id for revision in unreleased(project, revisions(project), since).revisions]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A service in a folder of its repository, on main, with `first` committed. It has no remote."""
    project = tmp_path / "monorepo" / "shop"
    write(project, "first")
    git(project.parent, "init", "-q", "-b", "main")
    commit(project)
    return project


@pytest.fixture
def clone(project: Path) -> Path:
    """A clone of it, whose origin/main has `first`."""
    git(project.parent.parent, "clone", "-q", str(project.parent), "clone")
    return project.parent.parent / "clone" / "shop"


def on_a_branch(project: Path) -> None:
    git(project, "switch", "-q", "-c", "feature")
    commit(project, "second")


def behind_main(project: Path) -> None:
    on_a_branch(project)
    git(project, "switch", "-q", "main")
    commit(project, "third")
    git(project, "switch", "-q", "feature")


@pytest.mark.parametrize(
    ("work", "names"),
    [
        (lambda _: None, []),
        (lambda project: write(project, "second"), ["second"]),  # uncommitted
        (lambda project: commit(project, "second"), ["second"]),  # not pushed
        (on_a_branch, ["second"]),
        (lambda project: (on_a_branch(project), write(project, "third")), ["second", "third"]),
        (lambda project: (project / "alembic/versions/first.py").write_text("# edited\n"), ["first"]),
        (lambda project: (project / "alembic/versions/first.py").unlink(), []),
    ],
)
def test_in_a_clone_they_are_compared_with_the_remote(
    clone: Path, work: Callable[[Path], object], names: list[str]
) -> None:
    work(clone)
    assert chosen(clone) == names


def test_the_default_branch_is_the_one_of_the_remote(project: Path, clone: Path) -> None:
    git(project, "branch", "-m", "main", "trunk")
    other = project.parent.parent / "other"
    git(project, "clone", "-q", str(project.parent), str(other))
    commit(other / "shop", "second")
    assert chosen(other / "shop") == ["second"]
    assert chosen(clone) == []  # the control: cloned when it was called main


def test_a_pipeline_fetches_branches_without_a_head(clone: Path) -> None:
    git(clone, "remote", "set-head", "origin", "--delete")
    git(clone, "switch", "-q", "--detach")
    commit(clone, "second")
    assert chosen(clone) == ["second"]


def test_a_branch_that_is_behind_does_not_check_what_main_has(project: Path) -> None:
    behind_main(project)
    assert chosen(project) == ["second"]


def test_without_a_remote_nothing_on_the_default_branch_is_released(project: Path, tmp_path: Path) -> None:
    commit(project, "second")
    assert chosen(project) == ["first", "second"]
    write(tmp_path / "no-git", "first")
    assert chosen(tmp_path / "no-git") == ["first"]


@pytest.mark.parametrize("zeros", ["", "0" * 40])
def test_since_a_revision_or_a_commit(project: Path, zeros: str) -> None:
    start = commit(project, "second")
    git(project, "tag", "v1")
    commit(project, "third")
    write(project, "fourth")
    for since in (start, start[:9], "v1", "HEAD~1", "second"):
        assert chosen(project, since) == ["third", "fourth"], since
    assert chosen(project, "third") == ["fourth"]
    assert chosen(project, zeros) == list(CHAIN)


def test_since_something_unknown_is_one_line(project: Path) -> None:
    with pytest.raises(Unknown, match=r"^--since v9 is neither a revision .* nor a commit") as caught:
        chosen(project, "v9")
    assert "\n" not in str(caught.value)
    with pytest.raises(Unknown):
        chosen(project, "--help")


def test_a_shallow_clone_checks_everything_and_says_why(project: Path) -> None:
    behind_main(project)
    shallow = project.parent.parent / "shallow"
    git(project, "clone", "-q", "--depth", "1", "--no-single-branch", f"file://{project.parent}", str(shallow))
    git(shallow, "remote", "set-head", "origin", "main")
    found = unreleased(shallow / "shop", revisions(shallow / "shop"))
    assert [revision.id for revision in found.revisions] == ["first", "second"]
    assert "git fetch --unshallow" in found.note
