"""The revisions that are not released yet: those of a branch, of unpushed commits, and of uncommitted files."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from toolkit.dev import service

VERSIONS = "alembic/versions"
# Where the default branch is: as the remote says, else by its usual names, else without a remote.
REMOTE = ("refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master")
LOCAL = ("refs/heads/main", "refs/heads/master")


class Unknown(Exception):
    """`--since` names nothing known. The message is one line with the next step."""


@dataclass(frozen=True)
class Unreleased:
    """Revisions that are not released. `since`: the state that they are compared with; empty for all revisions."""

    revisions: tuple[service.Revision, ...]
    since: str = ""
    note: str = ""


def unreleased(project: Path, found: service.Revisions, since: str = "") -> Unreleased:
    """Return the revisions after `since`, a revision or a commit; by default, since the default branch.

    Raises Unknown.
    """
    if since in found.known:
        released = found.ancestors([since]) | {since}
        later = tuple(revision for revision in found.ordered if revision.id not in released)
        return Unreleased(later, f"revision {since}")
    if since.strip("0"):  # zeros: a pipeline's name for the commit before the first one
        if not (commit := _git(project, "rev-parse", "--verify", "--quiet", f"{since}^{{commit}}")):
            raise Unknown(
                f"--since {since} is neither a revision in {VERSIONS} nor a commit in this clone; correct it, or fetch "
                "the whole history: `git fetch --unshallow`, in a pipeline fetch-depth 0"
            )
        return Unreleased(_changed(project, found, commit), f"commit {since}")
    return _since_default_branch(project, found)


def _since_default_branch(project: Path, found: service.Revisions) -> Unreleased:
    here = _git(project, "symbolic-ref", "--quiet", "HEAD")
    # A local default branch says nothing about itself: without a remote, nothing of it is known to be released.
    for ref in (*REMOTE, *(name for name in LOCAL if name != here)):
        if not _git(project, "rev-parse", "--verify", "--quiet", ref):
            continue
        name = ref.removeprefix("refs/remotes/").removeprefix("refs/heads/")
        if base := _git(project, "merge-base", "HEAD", ref):
            return Unreleased(_changed(project, found, base), f"commit {base[:12]} (merge base with {name})")
        note = f"this clone has no common commit with {name}: every revision is checked (`git fetch --unshallow`)"
        return Unreleased(found.ordered, note=note)
    return Unreleased(found.ordered)


def _changed(project: Path, found: service.Revisions, commit: str) -> tuple[service.Revision, ...]:
    """Return the revisions whose files are not in the commit as they are here."""
    options = ("--name-only", "-z", "--relative", "--no-renames", "--diff-filter=d")
    listed = _git(project, "diff", *options, commit, "--", VERSIONS) or ""
    listed += "\0" + (_git(project, "ls-files", "--others", "--exclude-standard", "-z", "--", VERSIONS) or "")
    files = set(listed.split("\0"))
    return tuple(one for one in found.ordered if one.path.relative_to(project).as_posix() in files)


def _git(project: Path, *arguments: str) -> str | None:
    """Return git's output; None if it fails or is missing."""
    command = ["git", *arguments]
    try:
        done = subprocess.run(command, cwd=project, check=False, capture_output=True, encoding="utf-8")
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
