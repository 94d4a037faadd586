"""The released commit, and its comparison with the running one: by git's history, or by the commits' times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy import git
from toolkit.deploy.outcomes import fail

if TYPE_CHECKING:
    from toolkit.deploy.records import ReleaseRecord

SHORT = 12
SHOWN = 10


class Order(StrEnum):
    SAME = "same"
    NEWER = "newer"
    OLDER = "older"
    APART = "on another branch"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Commit:
    """A commit. `time` is the committer's, in ISO 8601 and UTC; empty if only the name is known."""

    name: str
    time: str = ""

    def __str__(self) -> str:
        return f"{self.name[:SHORT]}{f' of {self.time}' if self.time else ''}"


@dataclass(frozen=True)
class Checkout:
    """A checkout. `changed`: files that differ from the commit, including untracked ones."""

    commit: Commit
    changed: tuple[str, ...] = ()

    @property
    def revision(self) -> str:
        """The commit as the history shows it, with `+` for uncommitted changes."""
        return self.commit.name[:SHORT] + ("+" if self.changed else "")

    @property
    def changes(self) -> str:
        """The uncommitted changes as a line; empty without any."""
        more = f" and {len(self.changed) - SHOWN} more" if len(self.changed) > SHOWN else ""
        return f"uncommitted changes: {', '.join(self.changed[:SHOWN])}{more}" if self.changed else ""


def checkout(project: Path) -> Checkout | None:
    """Return the commit of this folder; None without git or without a commit."""
    head = git.output(project, "log", "-1", "--format=%H %cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ")
    if not head:
        return None
    name, _, time = head.partition(" ")
    status = git.output(project, "status", "--porcelain", "--", ".") or ""
    return Checkout(Commit(name, time), tuple(line[3:] for line in status.splitlines()))


def require_clean(found: Checkout | None) -> None:
    """Check the checkout. Raises Failed DIRTY_CHECKOUT for uncommitted changes. Pure."""
    if found is None:
        message, evidence = "the commit of this checkout is unknown to git", ()
    elif found.changed:
        message, evidence = f"this checkout differs from commit {found.commit}", (found.changes,)
    else:
        return
    hint = "commit or stash the changes; `clean_checkout: false` in deploy/inventory.yaml allows them"
    raise fail("DIRTY_CHECKOUT", message, *evidence, hint=hint)


def released(record: ReleaseRecord) -> Commit | None:
    """Return the commit of a release's checkout; None for a release without git."""
    return Commit(record.git.rstrip("+"), record.commit_time) if record.git else None


def order(project: Path, ours: Commit, theirs: Commit) -> Order:
    """Compare `ours` with `theirs`. In a clone without the history (depth 1) only the times count."""
    if ours.name.startswith(theirs.name) or theirs.name.startswith(ours.name):
        return Order.SAME
    if _is_ancestor(project, ours, theirs):
        return Order.OLDER
    if _is_ancestor(project, theirs, ours):
        return Order.NEWER
    if (
        _knows(project, ours)
        and _knows(project, theirs)
        and git.output(project, "rev-parse", "--is-shallow-repository") == "false"
    ):
        return Order.APART
    if ours.time and theirs.time and ours.time != theirs.time:
        return Order.OLDER if ours.time < theirs.time else Order.NEWER
    return Order.UNKNOWN


def refuse_older(
    last: ReleaseRecord, here: Commit | None, image: Commit | None, compare: Callable[[Commit, Commit], Order]
) -> None:
    """Check the order. Raises Failed OLDER for a checkout, or an image by digest, of a commit before the last one.

    A revert deploys an image of an earlier commit from a newer checkout, which is accepted. Pure.
    """
    runs = released(last)
    if runs is None:
        return
    of_checkout = compare(here, runs) if here else Order.UNKNOWN
    built = Commit(last.image_commit) if last.image_commit else runs
    of_image = compare(image, built) if image else Order.UNKNOWN
    if of_checkout is Order.OLDER or (of_image is Order.OLDER and of_checkout is not Order.NEWER):
        raise fail(
            "OLDER",
            f"release {last.number} is newer than this one",
            f"release {last.number}: commit {runs}",
            *([f"this checkout: commit {here}"] if here and of_checkout is Order.OLDER else []),
            *([f"the image: built from commit {image}"] if image and of_image is Order.OLDER else []),
            hint="deploy the newest commit; to go back, `python3 tasks.py rollback ENV`, or deploy with --allow-older",
        )


def _is_ancestor(project: Path, one: Commit, other: Commit) -> bool:
    return git.output(project, "merge-base", "--is-ancestor", one.name, other.name) is not None


def _knows(project: Path, commit: Commit) -> bool:
    return git.output(project, "cat-file", "-e", f"{commit.name}^{{commit}}") is not None
