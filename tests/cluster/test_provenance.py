"""Which image and which commit: what can't run, what is gone, and what is older than the release is refused before."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import variants
from tests.support.registry import Repository
from tests.support.stage import Stage

pytestmark = pytest.mark.drill


@pytest.fixture(scope="module")
def checkout(actor: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A repository that a test may commit to, with v1 released from its commit."""
    project = tmp_path_factory.mktemp("provenance") / "shop"
    shutil.copytree(actor.project, project, symlinks=True)
    with replace(actor, project=project).fresh() as stage:
        first = stage.deploy("v1")
        assert first.code == 0, first
        yield stage


def git(project: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    done = subprocess.run(["git", *who, *arguments], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_an_earlier_commit_is_refused(checkout: Stage) -> None:
    """A pipeline of an earlier commit, run again after a newer release."""
    earlier = git(checkout.project, "rev-parse", "HEAD")
    git(checkout.project, "commit", "--allow-empty", "-m", "newer")
    newer = git(checkout.project, "rev-parse", "HEAD")
    assert checkout.deploy("v2").code == 0
    assert checkout.history()[-1]["git"] == newer[:12]

    git(checkout.project, "checkout", "--quiet", earlier)
    before = checkout.versions()
    refused = checkout.deploy("v1")
    assert refused.code == 6, refused
    assert "OLDER" in refused.out
    assert newer[:12] in refused.out
    assert checkout.versions() == before

    allowed = checkout.deploy("v1", "--allow-older")
    assert allowed.code == 0, allowed
    git(checkout.project, "checkout", "--quiet", newer)
    assert checkout.deploy("v2").code == 0


def test_uncommitted_changes_are_shown_and_can_be_refused(checkout: Stage) -> None:
    (checkout.project / "notes.txt").write_text("not committed\n")
    shown = checkout.task("deploy", "--check", image="v2")
    assert shown.code == 0, shown
    assert "uncommitted changes: notes.txt" in shown.out
    before = checkout.versions()
    refused = checkout.deploy("v1", "-e", "clean_checkout=true")
    assert refused.code == 6, refused
    assert "DIRTY_CHECKOUT" in refused.out
    assert checkout.versions() == before
    (checkout.project / "notes.txt").unlink()
    assert checkout.deploy("v2", "-e", "clean_checkout=true").code == 0


def test_an_image_for_another_processor_is_refused(checkout: Stage) -> None:
    foreign = Repository(checkout.images.repository).for_another_processor(checkout.images["v1"], "s390x")
    before = checkout.versions()
    refused = checkout.deploy(foreign)
    assert refused.code == 6, refused
    assert "IMG_PLATFORM" in refused.out
    assert "linux/s390x" in refused.out
    assert "tasks.py push --platform linux/" in refused.out
    assert checkout.versions() == before


def test_a_build_for_another_processor_is_refused_before_it(checkout: Stage) -> None:
    refused = checkout.task("deploy", "--yes", "-e", "platforms=[linux/s390x]")
    assert refused.code == 6, refused
    assert "IMG_PLATFORM" in refused.out


def test_a_rollback_to_an_image_that_is_gone(checkout: Stage, tmp_path: Path) -> None:
    lost = variants.layer(checkout.images, "lost", "ENV VARIANT=lost", tmp_path)
    assert checkout.deploy("lost").code == 0
    assert checkout.deploy("v3").code == 0
    Repository(checkout.images.repository).delete(lost)

    told = checkout.task("history")
    gone = [line for line in told.out.splitlines() if line.endswith("IMAGE GONE")]
    assert len(gone) == 1, told
    assert lost[:19] in gone[0]

    before = checkout.versions()
    refused = checkout.task("rollback", "--yes")
    assert refused.code == 6, refused
    assert "IMG_NOT_FOUND" in refused.out
    assert checkout.versions() == before
    other = next(record["number"] for record in checkout.history() if record["digest"] == checkout.images["v2"])
    back = checkout.task("rollback", "--yes", "--to", str(other))
    assert back.code == 0, back
    assert checkout.image_of_deployment() == checkout.images["v2"]
