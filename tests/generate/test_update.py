"""`update`: a service of an earlier template, with its owner's edits, becomes one of today's by a git merge."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import older
from tests.support.older import edit
from workshop.update import base, changelog, run, service
from workshop.update.git import Repository

ROOT = Path(__file__).resolve().parents[2]
FIRST = "e0a3d81"  # before the toolkit had a folder
ANSWERS = {"project_name": "Shop", "resources": "product: name:str(1..100) price:decimal(10,2)>0"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service as its owner has it: three edits, and a resource that was added later."""
    return older.owned(older.make(ROOT, FIRST, tmp_path_factory.mktemp("older"), ANSWERS))


@pytest.fixture
def shop(made: Path, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "shop"
    shutil.copytree(made, folder, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in older.AUTHOR.items():
            patch.setenv(name, value)
        yield folder


def test_edits_stay_and_everything_else_is_todays(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.run(shop, [], check=False) == 0
    shown = capsys.readouterr().out
    assert "from 0.1.0 to version " in shown
    assert "python3 tasks.py setup" in shown
    assert older.git(shop, "status", "--porcelain") == ""
    differing = older.git(shop, "diff", "--name-only", "template").splitlines()
    assert differing == ["Dockerfile", "app/main.py", "app/models/product.py"]
    assert older.METHOD in (shop / "app/models/product.py").read_text()
    assert service.read(shop).lines[-1].startswith("review:")

    before = older.git(shop, "rev-parse", "HEAD")
    assert run.run(shop, [], check=False) == 0
    assert "Up to date" in capsys.readouterr().out
    assert older.git(shop, "rev-parse", "HEAD") == before


def test_a_file_that_both_sides_changed_is_a_conflict(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(shop / "entrypoint.sh", lambda text: text.replace("exec python -m app ;;", "exec python -m app --ours ;;"))
    edit(shop / "README.md", lambda text: "# Ours\n" + text.partition("\n")[2])
    edit(shop / "tasks.py", lambda text: text.replace("from dev import bootstrap", "from dev import bootstrap as ours"))
    older.commit_all(shop, "An edit in the way")
    assert run.run(shop, [], check=False) == run.CONFLICTS
    shown = capsys.readouterr().out
    assert older.git(shop, "diff", "--name-only", "--diff-filter=U").splitlines() == ["tasks.py"]
    assert "Resolve the marks" in shown
    assert "  tasks.py\n" in shown
    assert "<<<<<<<" in (shop / "tasks.py").read_text()


def test_edits_in_the_toolkit_are_named_and_not_kept(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(shop / "deploy/quotas.py", lambda text: text + "# ours\n")
    older.commit_all(shop, "An edit where nobody edits")
    assert run.run(shop, [], check=False) == 0
    shown = capsys.readouterr().out
    assert "  deploy/quotas.py\n" in shown
    command = re.search("`git (diff .*) -- FILE`", shown)
    assert command
    assert older.git(shop, *command[1].split(), "--", "deploy/quotas.py").endswith("+# ours")
    assert older.git(shop, "diff", "template", "--", "toolkit") == ""


def test_without_the_recorded_base_a_later_resource_is_a_conflict(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The control of the base: what was added later would be new on both sides."""
    monkeypatch.setattr(base, "with_lines", lambda tree, _: tree.read("rev-parse", "HEAD"))
    assert run.run(shop, [], check=False) == run.CONFLICTS
    assert "review" in capsys.readouterr().out


def test_a_deleted_file_stays_deleted(shop: Path) -> None:
    older.git(shop, "rm", "--quiet", "observability/loki.yml")
    older.commit_all(shop, "No Loki here")
    assert run.run(shop, [], check=False) == 0
    assert not (shop / "observability/loki.yml").exists()


def test_a_service_with_the_wheel_gets_no_folder(shop: Path) -> None:
    assert run.run(shop, [], check=False) == 0
    older.git(shop, "rm", "-r", "--quiet", "toolkit")
    older.commit_all(shop, "The wheel instead")
    # As if the template had changed a file of the toolkit since, and added one.
    older.git(shop, "checkout", "--quiet", "template")
    edit(shop / "toolkit/README.md", lambda text: text + "older\n")
    (shop / "toolkit/tasks/deploy.py").unlink()
    older.commit_all(shop, "An older toolkit")
    older.git(shop, "checkout", "--quiet", "main")
    older.git(shop, "merge", "--quiet", "--strategy=ours", "-m", "It was taken up", "template")
    assert run.run(shop, [], check=False) == 0
    assert older.git(shop, "diff", "--name-only", "template", "--", ":!toolkit").splitlines() == [
        "Dockerfile",
        "app/main.py",
        "app/models/product.py",
    ]
    assert not (shop / "toolkit").exists()


def test_a_clone_of_an_updated_service_needs_no_branch(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The history has the template of a merge; the branch of the remote may be older."""
    older.git(shop, "branch", "before", "template")
    assert run.run(shop, [], check=False) == 0
    older.git(shop, "branch", "--force", "template", "before")
    clone = tmp_path / "clone"
    older.git(tmp_path, "clone", "--quiet", f"file://{shop}", str(clone))
    assert run.run(clone, [], check=False) == 0
    assert "Up to date" in capsys.readouterr().out
    assert older.git(clone, "rev-parse", "HEAD") == older.git(shop, "rev-parse", "HEAD")


@pytest.mark.parametrize("how", ["without the branch", "shallow"])
def test_a_clone_without_the_branch_template(
    made: Path, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in older.AUTHOR.items():
        monkeypatch.setenv(name, value)
    clone = tmp_path / "clone"
    depth = ["--depth", "1"] if how == "shallow" else []
    older.git(tmp_path, "clone", "--quiet", "--single-branch", *depth, f"file://{made}", str(clone))
    if how == "shallow":  # its template recorded no commit, so there is nothing to begin from
        assert run.run(clone, [], check=False) == 1
        assert "git fetch --unshallow" in capsys.readouterr().err
        older.git(clone, "fetch", "--quiet", "--unshallow")
    assert run.run(clone, [], check=False) == 0
    differing = older.git(clone, "diff", "--name-only", "template").splitlines()
    assert differing == ["Dockerfile", "app/main.py", "app/models/product.py"]


def test_a_shallow_clone_begins_at_the_recorded_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in older.AUTHOR.items():
        monkeypatch.setenv(name, value)
    made = older.owned(older.make(ROOT, "HEAD~1", tmp_path, ANSWERS))  # the template has moved on since
    clone = tmp_path / "clone"
    older.git(tmp_path, "clone", "--quiet", "--single-branch", "--depth", "1", f"file://{made}", str(clone))
    assert run.run(clone, [], check=False) == 0, capsys.readouterr().err
    differing = older.git(clone, "diff", "--name-only", "template").splitlines()
    assert differing == ["Dockerfile", "app/main.py", "app/models/product.py", "service.toml"]
    # Its answer to the question of resources stays the first one; the lines are today's.
    recorded = older.git(clone, "diff", "--unified=0", "template", "--", "service.toml").splitlines()[5:]
    assert [line.partition(" = ")[0] for line in recorded] == ["-resources", "+resources"]
    assert "/template-" not in older.git(ROOT, "worktree", "list")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "note.txt").write_text("x"), "uncommitted changes"),
        (lambda folder: shutil.rmtree(folder / ".git"), "not a separate git repository"),
        (lambda folder: (folder / "service.toml").unlink(), "Name the folder of a service"),
        (lambda folder: (folder / "service.toml").write_text("x = ["), "is not valid TOML"),
        (lambda folder: (folder / "service.toml").write_text("x = 1"), "lacks [service], [answers] or [resources]"),
    ],
)
def test_refused_in_one_line(shop: Path, spoil: object, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(spoil)
    spoil(shop)
    assert run.run(shop, [], check=False) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("colour=red", "is invalid: write QUESTION=ANSWER, with one of project_name, "),
        ("auth", "is invalid: write QUESTION=ANSWER"),
        ("auth=sometimes", "the template refused the answers"),
        ("project_slug=store", "project_slug cannot be changed, because databases"),
        ("resources=order: total:int", "resources cannot be changed, because [resources] in service.toml"),
    ],
)
def test_a_refused_answer(shop: Path, answer: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = older.git(shop, "rev-parse", "HEAD", "template")
    assert run.run(shop, [answer], check=False) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("Not updated: ")
    assert words in shown
    assert older.git(shop, "status", "--porcelain") == ""
    assert older.git(shop, "rev-parse", "HEAD", "template") == before


def test_an_aborted_merge_is_not_taken_for_an_update(shop: Path) -> None:
    """The branch `template` is ahead of the service then."""
    edit(shop / "tasks.py", lambda text: text.replace("from dev import bootstrap", "from dev import bootstrap as ours"))
    older.commit_all(shop, "An edit in the way")
    assert run.run(shop, [], check=False) == run.CONFLICTS
    older.git(shop, "merge", "--abort")
    assert run.run(shop, [], check=False) == run.CONFLICTS
    assert "<<<<<<<" in (shop / "tasks.py").read_text()


def test_a_changed_and_a_removed_line_are_in_the_base(made: Path, shop: Path) -> None:
    """As a task for lines leaves them: the line is different, and so are the files."""
    changed = "product: name:str(1..100) price:decimal(10,2)>0 weight:int>=0=0"
    with base.checked_out(Repository(made), "template") as tree:
        base.with_lines(tree, (changed,))
        written = [name for name in tree.files() if "product" in name]
        for name in ("service.toml", "app/resources.py", "scaffold/manifest.json", *written):
            shutil.copy(tree.folder / name, shop / name)
    for path in files_of_reviews(shop):
        (shop / path).unlink()
    older.commit_all(shop, "Products have a weight, and nobody reviews them")
    assert run.run(shop, [], check=False) == 0
    assert service.read(shop).lines == (changed,)
    assert "weight" in (shop / "app/schemas/product.py").read_text()
    assert not files_of_reviews(shop)


def files_of_reviews(shop: Path) -> list[str]:
    """Return the files of the resource `review`; those of previews are the toolkit's."""
    return [path for path in older.git(shop, "ls-files").splitlines() if re.search(r"(?<!p)review", path)]


def test_contracts_in_the_service_file_are_kept(shop: Path) -> None:
    contract = '\n[[contract]]\nrevision = "0002"\nkind = "drop_column"\ntable = "product"\n'
    edit(shop / "service.toml", lambda text: text + contract)
    older.commit_all(shop, "A column to drop later")
    assert run.run(shop, [], check=False) == 0
    assert (shop / "service.toml").read_text().endswith(contract)
    assert older.git(shop, "diff", "template", "--", ".generated.json") == ""


def test_check_reports_the_changes_since(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.run(shop, [], check=True) == run.MOVED_ON
    assert "## [0.2.0]" in capsys.readouterr().out


def test_a_report_that_nobody_reads_to_its_end(shop: Path) -> None:
    """As with `| head -1`, whose end comes before ours."""
    command = f'"{sys.executable}" tasks.py update "{shop}" --check | true'
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("manifest", "wanted"),
    [
        ('{"lines": ["cup: name:str"], "files": {}}', ("cup: name:str",)),
        ('{"files": {}}', ("cup: name:str size:int",)),
        ('<<<<<<< {"lines": ["cup: name:str"]}', ("cup: name:str size:int",)),
        ("[]", ("cup: name:str size:int",)),
    ],
)
def test_the_lines_are_those_of_the_generated_files(manifest: str, wanted: tuple[str, ...], tmp_path: Path) -> None:
    lines = '[service]\n[answers]\n[resources]\nlines = ["cup: name:str size:int"]\n'
    (tmp_path / "service.toml").write_text(lines)
    (tmp_path / ".generated.json").write_text(manifest)
    assert service.read(tmp_path).lines == wanted


def test_the_origin_of_a_service_is_kept() -> None:
    text = 'name = "shop"\ntemplate_commit = "b"\ntemplate_address = "/tmp/x"\n'
    recorded = 'template_commit = "a"\n'
    assert service.with_origin(text, recorded) == text.replace('"b"', '"a"')


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("0.2.0", "## [0.3.0]\nthree"),
        ("0.3.0", ""),
        ("", "## [0.3.0]\nthree\n\n## 0.2.0\ntwo"),
    ],
)
def test_sections_newer_than_a_version(version: str, wanted: str) -> None:
    text = "# Changelog\n\n## [0.3.0]\nthree\n\n## 0.2.0\ntwo\n"
    assert changelog.since(text, version) == wanted


ADDED, CHANGED, EARLIER = "### Added\n\n- one\n- two,\n  in two lines", "### Changed\n\n- three", "## 0.2.0\n\n- four"


@pytest.mark.parametrize(
    ("older", "wanted"),
    [
        (f"{ADDED}\n\n{CHANGED}\n\n{EARLIER}", ""),
        (f"{CHANGED}\n\n{EARLIER}\n- one", "## [0.3.0]\n\n### Added\n\n- two,\n  in two lines"),
        (ADDED, f"## [0.3.0]\n\n{CHANGED}\n\n{EARLIER}"),
    ],
)
def test_entries_that_an_older_changelog_lacks(older: str, wanted: str) -> None:
    text = f"# Changelog\n\n- what it is\n\n## [0.3.0]\n\n{ADDED}\n\n{CHANGED}\n\n{EARLIER}\n"
    assert changelog.added(f"- what it is\n\n## [0.3.0]\n\n{older}\n", text) == wanted


def test_the_next_steps_are_the_last_words_of_a_report(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.run(shop, [], check=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines.index("What is new:") < lines.index(f"Next, in {shop}:")
    assert lines[-1] == "  python3 tasks.py test"
