"""Which commit is released: told by git, by times where a clone has no history, and refused when it is older."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.records import ReleaseRecord
from toolkit.deploy.release import commits
from toolkit.deploy.release.commits import Checkout, Commit, Order

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *arguments: str, day: int = 1) -> str:
    date = f"2026-01-{day:02}T00:00:00Z"
    known = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date, "GIT_CONFIG_GLOBAL": os.devnull}
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main")
    command = ["git", *who, *arguments]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **known}, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, day: int) -> Commit:
    git(folder, "commit", "--allow-empty", "-m", f"day {day}", day=day)
    return Commit(git(folder, "rev-parse", "HEAD"), f"2026-01-{day:02}T00:00:00Z")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init")
    return folder


def test_a_checkout_names_commit_time_and_changes(project: Path) -> None:
    made = commit(project, 3)
    assert commits.checkout(project) == Checkout(made)
    (project / "new.py").write_text("")
    found = commits.checkout(project)
    assert found == Checkout(made, ("new.py",))
    assert found is not None
    assert found.revision == made.name[:12] + "+"
    assert found.changes == "uncommitted changes: new.py"


def test_without_git_nothing_is_known(tmp_path: Path) -> None:
    assert commits.checkout(tmp_path) is None


def test_order_is_that_of_the_history(project: Path) -> None:
    first, second = commit(project, 9), commit(project, 2)  # clocks may be wrong
    assert commits.order(project, first, second) is Order.OLDER
    assert commits.order(project, second, first) is Order.NEWER
    assert commits.order(project, second, Commit(second.name[:12])) is Order.SAME
    git(project, "checkout", "-b", "other", first.name)
    apart = commit(project, 1)
    assert commits.order(project, apart, second) is Order.APART


def test_a_clone_without_history_goes_by_time(project: Path, tmp_path: Path) -> None:
    first, second = commit(project, 1), commit(project, 2)
    git(tmp_path, "clone", "--depth=1", f"file://{project}", "clone")
    assert commits.order(tmp_path / "clone", first, second) is Order.OLDER
    assert commits.order(tmp_path / "clone", second, first) is Order.NEWER
    assert commits.order(tmp_path / "clone", second, Commit("f" * 40)) is Order.UNKNOWN


LAST = ReleaseRecord(7, "sha256:7", "", "deployed", "manifests", git="a" * 12, commit_time="T", image_commit="b" * 40)
HERE, IMAGE = Commit("c" * 40), Commit("d" * 40)


@pytest.mark.parametrize(
    ("checkout", "image", "refused"),
    [
        (Order.SAME, None, False),
        (Order.NEWER, None, False),
        (Order.APART, None, False),
        (Order.UNKNOWN, None, False),
        (Order.OLDER, None, True),
        (Order.OLDER, Order.SAME, True),
        (Order.SAME, Order.OLDER, True),
        (Order.UNKNOWN, Order.OLDER, True),
        (Order.NEWER, Order.OLDER, False),  # a revert
        (Order.NEWER, Order.NEWER, False),
    ],
)
def test_an_older_commit_is_refused(checkout: Order, image: Order | None, refused: bool) -> None:
    orders = {HERE: checkout, IMAGE: image or Order.UNKNOWN}

    def judge() -> None:
        commits.refuse_older(LAST, HERE, IMAGE if image else None, lambda ours, _: orders[ours])

    if not refused:
        judge()
        return
    with pytest.raises(Failed) as caught:
        judge()
    assert caught.value.failure.code == "OLDER"
    assert "release 7" in str(caught.value)
    assert "--allow-older" in caught.value.failure.hint


def test_the_image_is_compared_with_the_images_commit() -> None:
    """The commit that an image was built from may be older than the one that it was released from."""
    asked: list[tuple[Commit, Commit]] = []

    def order(ours: Commit, theirs: Commit) -> Order:
        asked.append((ours, theirs))
        return Order.NEWER

    commits.refuse_older(LAST, HERE, IMAGE, order)
    assert asked == [(HERE, Commit("a" * 12, "T")), (IMAGE, Commit("b" * 40))]


def test_a_release_without_git_is_no_obstacle() -> None:
    commits.refuse_older(ReleaseRecord(1, "", "", "deployed", "manifests"), HERE, IMAGE, lambda *_: Order.OLDER)


@pytest.mark.parametrize(
    ("found", "said"),
    [(None, "unknown"), (Checkout(HERE, ("app/main.py",)), "uncommitted changes: app/main.py")],
)
def test_a_dirty_checkout_can_be_refused(found: Checkout | None, said: str) -> None:
    commits.require_clean(Checkout(HERE))
    with pytest.raises(Failed) as caught:
        commits.require_clean(found)
    assert caught.value.failure.code == "DIRTY_CHECKOUT"
    assert said in str(caught.value)
