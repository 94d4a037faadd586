"""The merge of a newer template into a service's branch: the owner's edits stay, generated files are the template's."""

from __future__ import annotations

import fnmatch
import shutil
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from hooks import options
from workshop.update.base import commit_all
from workshop.update.git import Repository, UpdateError
from workshop.update.pristine import defaults
from workshop.update.service import MANIFEST

# The owner's, or made on the service's own machine: an update leaves them as they are.
KEPT = ("alembic/versions/*", "uv.lock", "docs/openapi.json", ".env")
# Written by programs alone: where both sides changed one, the template's is taken, and the next task writes it again.
GENERATED = (MANIFEST, "app/resources.py", "tests/factories/__init__.py", "uv.lock", "docs/openapi.json")
# Folders of the toolkit, today's and those of older services. Owners do not edit them, so no edit is merged.
TOOLKIT = ("toolkit/*", "scaffold/*", "dev/*", "deploy/*.py")


@dataclass(frozen=True)
class Merged:
    """Files of the service, by what became of them.

    `marked`: both sides changed them. `removed`: the owner edited what the template no longer has. `dropped`: files of
    the toolkit whose edits are not carried over. `unused`: the owner's files in a folder that the answers exclude.
    """

    marked: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    @property
    def conflicts(self) -> tuple[str, ...]:
        """Files that the owner has to resolve."""
        return (*self.marked, *self.removed)

    def and_then(self, later: Merged, unused: Sequence[str]) -> Merged:
        """Return the result of this merge and of a later one."""
        return Merged(later.marked, later.removed, (*self.dropped, *later.dropped), tuple(unused))


NOTHING = Merged()


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


def merge(repository: Repository, base: str, newer: str, message: str, *, renames: bool = True) -> Merged:
    """Merge what changed from `base` to `newer` into the current branch; committed unless there are conflicts."""
    if not repository.is_ancestor(base, "HEAD"):
        recorded = ("-m", "Record what the template made of today's resources")
        repository.run("merge", "--quiet", "--strategy=ours", "--allow-unrelated-histories", *recorded, base)
    uses_folder = any(matches(path, TOOLKIT) for path in repository.files())  # and not the toolkit's wheel
    dropped = [path for path in _changed(repository, base, "HEAD") if matches(path, TOOLKIT)]
    how = () if renames else ("--strategy-option=no-renames",)
    done = repository.run("merge", "--quiet", "--no-commit", "--no-ff", *how, newer, allowed=(0, 1))
    if not repository.commit_of("MERGE_HEAD"):
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UpdateError(f"git could not begin the merge: {reason}")
    of_newer = set(repository.files(newer))
    marked, removed = [], []
    for path in _conflicts(repository):
        stages = _stages(repository, path)
        if stages == {"1", "3"}:  # the owner deleted what the template changed
            _take(repository, newer, path, exists=False)
        elif matches(path, (*GENERATED, *TOOLKIT)):
            _take(repository, newer, path, exists=path in of_newer)
        else:
            (removed if stages == {"1", "2"} else marked).append(path)
    _take_generated(repository, newer, of_newer)
    for path in repository.read("ls-files", "--", "toolkit").splitlines():
        if path not in of_newer or not uses_folder:
            _take(repository, newer, path, exists=False)
    if uses_folder:
        repository.run("checkout", "--quiet", newer, "--", "toolkit")
    if not marked and not removed:
        repository.run("commit", "--quiet", "--no-verify", "-m", message)
    return Merged(tuple(marked), tuple(removed), tuple(dropped))


def unused(repository: Repository, answers: Mapping[str, str]) -> list[str]:
    """Return the service's files in folders that the answers exclude: the owner added them."""
    excluded = [name for effect in options.effects({**defaults(), **answers}) for name in effect.remove]
    conflicting = set(_conflicts(repository))
    listed = repository.read("ls-files", "--", *excluded).splitlines()
    return [path for path in dict.fromkeys(listed) if path not in conflicting]


def _take_generated(repository: Repository, newer: str, of_newer: Set[str]) -> None:
    """Take the manifest, which has the hashes of the files, as the template wrote it with them."""
    if MANIFEST in of_newer and MANIFEST in repository.read("ls-files", "--", MANIFEST).splitlines():
        _take(repository, newer, MANIFEST, exists=True)


def _changed(repository: Repository, older: str, newer: str) -> list[str]:
    found = repository.run("diff", "--name-only", "-z", older, newer).stdout
    return [path for path in found.split("\0") if path]


def _conflicts(repository: Repository) -> list[str]:
    found = repository.run("diff", "--name-only", "-z", "--diff-filter=U").stdout
    return list(dict.fromkeys(path for path in found.split("\0") if path))


def _stages(repository: Repository, path: str) -> set[str]:
    """Return the versions of a conflicting file that the index has: 1 the base's, 2 the owner's, 3 the template's."""
    return {line.split("\t")[0].split()[-1] for line in repository.read("ls-files", "-u", "--", path).splitlines()}


def _take(repository: Repository, newer: str, path: str, *, exists: bool) -> None:
    if exists:
        repository.run("checkout", "--quiet", newer, "--", path)
    else:
        repository.run("rm", "--quiet", "--force", "--", path)
