"""The merge of a newer template into a service's branch: the owner's edits stay, generated files are the template's."""

from __future__ import annotations

import fnmatch
import shutil
from dataclasses import dataclass
from pathlib import Path

from workshop.update.base import commit_all
from workshop.update.git import Repository

# The owner's, or made on the service's own machine: an update leaves them as they are.
KEPT = ("alembic/versions/*", "uv.lock", "docs/openapi.json", ".env")
# Written by programs alone: where both sides changed one, the template's is taken, and the next task writes it again.
GENERATED = (".generated.json", "app/resources.py", "tests/factories/__init__.py", "uv.lock", "docs/openapi.json")
# Folders of the toolkit, today's and those of older services. Owners do not edit them, so no edit is merged.
TOOLKIT = ("toolkit/*", "scaffold/*", "dev/*", "deploy/*.py")


@dataclass(frozen=True)
class Merged:
    """`conflicts`: files that both sides changed. `dropped`: files of the toolkit whose edits are not carried over."""

    conflicts: tuple[str, ...]
    dropped: tuple[str, ...]


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Return True if a path matches one of the patterns; `*` crosses folders."""
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def replace(tree: Repository, pristine: Path, message: str) -> str:
    """Put a pristine service in the place of the worktree's files, and return the commit."""
    for path in tree.files():
        if not matches(path, KEPT):
            (tree.folder / path).unlink(missing_ok=True)
    shutil.copytree(pristine, tree.folder, dirs_exist_ok=True, symlinks=True)
    return commit_all(tree, message)


def merge(repository: Repository, base: str, newer: str, message: str) -> Merged:
    """Merge what changed from `base` to `newer` into the current branch; committed unless there are conflicts."""
    if not repository.is_ancestor(base, "HEAD"):
        recorded = ("-m", "Record what the template made of today's resources")
        repository.run("merge", "--quiet", "--strategy=ours", "--allow-unrelated-histories", *recorded, base)
    uses_folder = any(matches(path, TOOLKIT) for path in repository.files())  # and not the toolkit's wheel
    dropped = [path for path in _changed(repository, base, "HEAD") if matches(path, TOOLKIT)]
    repository.run("merge", "--quiet", "--no-commit", "--no-ff", newer, allowed=(0, 1))
    of_newer = set(repository.files(newer))
    conflicts = []
    for path in _conflicts(repository):
        if _deleted_here(repository, path):
            _take(repository, newer, path, exists=False)
        elif matches(path, (*GENERATED, *TOOLKIT)):
            _take(repository, newer, path, exists=path in of_newer)
        else:
            conflicts.append(path)
    for path in repository.read("ls-files", "--", "toolkit").splitlines():
        if path not in of_newer or not uses_folder:
            _take(repository, newer, path, exists=False)
    if uses_folder:
        repository.run("checkout", "--quiet", newer, "--", "toolkit")
    if not conflicts:
        repository.run("commit", "--quiet", "--no-verify", "-m", message)
    return Merged(tuple(conflicts), tuple(dropped))


def _changed(repository: Repository, older: str, newer: str) -> list[str]:
    found = repository.run("diff", "--name-only", "-z", older, newer).stdout
    return [path for path in found.split("\0") if path]


def _conflicts(repository: Repository) -> list[str]:
    found = repository.run("diff", "--name-only", "-z", "--diff-filter=U").stdout
    return list(dict.fromkeys(path for path in found.split("\0") if path))


def _deleted_here(repository: Repository, path: str) -> bool:
    """Return True if the owner deleted what the template changed: the index has no version of theirs (stage 2)."""
    stages = {line.split("\t")[0].split()[-1] for line in repository.read("ls-files", "-u", "--", path).splitlines()}
    return stages == {"1", "3"}


def _take(repository: Repository, newer: str, path: str, *, exists: bool) -> None:
    if exists:
        repository.run("checkout", "--quiet", newer, "--", path)
    else:
        repository.run("rm", "--quiet", "--force", "--", path)
