"""The report of an update: what was merged, what is left to do, and what is new in the template."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence

from workshop.update import changelog, merge, pristine, service
from workshop.update.git import Repository

CHANGELOG = "CHANGELOG.md"
SHOWN = 20  # commits
NEXT = ("setup", 'migrate.new "Update the template"', "openapi", "format", "lint", "test")


def show(
    repository: Repository, found: service.Service, merged: merge.Merged, *, edits: str, answers: Sequence[str]
) -> None:
    """Print what was merged from where, what is left to do, and what is new.

    `edits` are the two commits between which the owner's edits are, `answers` those that are still to be changed.
    """
    if changes := changes_since(found):  # first, because it may be long
        print(f"What is new:\n\n{changes}\n")
    print(f"Merged: from {found.version or 'an unknown version'} to {version()}.")
    new = [name for name in pristine.questions() if name not in found.answers and name != "resources"]
    if new:
        print(f"New questions took their defaults: {', '.join(new)}.")
    _list(f"Edits in the toolkit are not carried over; `git diff {edits} -- FILE` shows them:", merged.dropped)
    _list(
        "With the new answers these files of yours have no effect; move what you need, or remove them:", merged.unused
    )
    _list("\nBoth sides changed these files. Resolve the marks, then `git add FILE`:", merged.marked)
    _list(
        "\nThe template no longer has these files, and you have edited them. Move what you need into their successors, "
        "then\n`git rm FILE`; or keep one with `git add FILE`:",
        merged.removed,
    )
    if merged.conflicts:
        print("\nThen `git commit`; or `git merge --abort` to undo the merge.")
    if merged.conflicts and answers:
        options = " ".join(f'--answer "{answer}"' for answer in answers)
        print(f"The answers are unchanged so far; after the commit, run this again with {options}.")
    print(f"\nNext, in {repository.folder}:")
    for command in NEXT:
        print(f"  python3 tasks.py {command}")


def changes_since(found: service.Service) -> str:
    """Return the changelog's newer sections, or within one version its newer entries, or else the newer commits."""
    here = Repository(pristine.TEMPLATE)
    text = (pristine.TEMPLATE / CHANGELOG).read_text(encoding="utf-8")
    if found.version != template_version() or not (found.commit and here.commit_of(found.commit)):
        return changelog.since(text, found.version)
    older = here.run("show", f"{found.commit}:{CHANGELOG}", allowed=(0, 128)).stdout
    if entries := changelog.added(older, text):
        return entries
    subjects = here.read("log", "--format=- %s", f"{found.commit}..HEAD").splitlines()
    more = [f"- and {len(subjects) - SHOWN} more commits"] if len(subjects) > SHOWN else []
    return "\n".join(subjects[:SHOWN] + more)


def template_version() -> str:
    """Return the version in the template's pyproject.toml."""
    content = tomllib.loads((pristine.TEMPLATE / "pyproject.toml").read_text(encoding="utf-8"))
    return str(content["project"]["version"])


def version() -> str:
    """Return `version X (COMMIT)` of the template."""
    commit = Repository(pristine.TEMPLATE).run("rev-parse", "--short", "HEAD", allowed=(0, 128)).stdout.strip()
    return f"version {template_version()}" + (f" ({commit})" if commit else "")


def _list(heading: str, paths: Iterable[str]) -> None:
    if listed := "".join(f"  {path}\n" for path in paths):
        print(f"{heading}\n{listed}", end="")
