"""The task `update`: what it refuses, and the two merges that it makes.

The first merge brings the service to this version of the template with its own answers, the second one changes answers.
They are two, because git follows a renamed file in the first, and would take a file of one answer for a renamed file of
another in the second.

Exit codes: 0 updated, or nothing to do; 1 refused, and nothing was changed; 2 with --check, when the template has moved
on; 3 when conflicts are left to resolve.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from workshop.update import base, merge, pristine, report, service
from workshop.update.git import Repository, UpdateError

TEMPLATE = pristine.TEMPLATE
MOVED_ON, CONFLICTS = 2, 3
# Questions whose answers a running service cannot change
FIXED = {
    "project_slug": "databases, releases and host names carry it; make a new service and move the data",
    "resources": "[resources] in service.toml has them; use the tasks `resource.*`",
}


def run(project: Path, answers: Sequence[str], *, check: bool) -> int:
    """Bring the service in `project` to this version of the template. `answers` are QUESTION=ANSWER to change."""
    try:
        code = _update(Repository(project.resolve()), answers, check=check)
        sys.stdout.flush()
    except UpdateError as error:
        print(f"Not updated: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of the report, such as `head`, has seen enough; everything else is done
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _update(repository: Repository, given: Sequence[str], *, check: bool) -> int:
    found = service.read(repository.folder)
    changed = _parsed(given, found.answers)
    _require_own_repository(repository)
    if check:
        return _check(found)
    if dirty := repository.read("status", "--porcelain"):
        raise UpdateError(f"{repository.folder} has uncommitted changes; commit or stash them first:\n{dirty}")
    start, before = _start(repository, found), repository.read("rev-parse", "--short", "HEAD")
    with base.checked_out(repository, start) as tree:
        older = base.with_lines(tree, found.lines)
        newer = _made(tree, found.answers, found, f"Template {report.version()}")
        other = _made(tree, {**found.answers, **changed}, found, f"Answers {', '.join(given)}") if changed else newer
    if other == older:
        repository.run("branch", "--force", base.BRANCH, newer)
        print(f"Up to date: the template's {report.version()} makes the same service.")
        return 0
    merged = merge.NOTHING
    if newer != older:
        merged = merge.merge(repository, older, newer, f"Update to the template's {report.version()}")
    reached, then = newer, list(given)
    if other != newer and not merged.conflicts:
        second = merge.merge(repository, newer, other, f"Change answers: {', '.join(given)}", renames=False)
        merged = merged.and_then(second, merge.unused(repository, {**found.answers, **changed}))
        reached, then = other, []
    repository.run("branch", "--force", base.BRANCH, reached)
    report.show(repository, found, merged, edits=f"{older[:9]} {before}", answers=then)
    return CONFLICTS if merged.conflicts else 0


def _made(tree: Repository, answers: Mapping[str, str], found: service.Service, message: str) -> str:
    with TemporaryDirectory(prefix="update-") as folder:
        return merge.replace(tree, pristine.make(answers, found.lines, Path(folder)), message)


def _check(found: service.Service) -> int:
    here = Repository(TEMPLATE)
    if found.commit and here.commit_of("HEAD") == found.commit:
        print(f"Up to date: made from {report.version()}.")
        return 0
    if not found.commit and found.version == report.template_version():
        print(f"Version {found.version}, as the template; the service has no record of the commit.")
        return 0
    print(f"The template has moved on, from {found.version or 'an unknown version'} to {report.version()}.\n")
    print(report.changes_since(found))
    return MOVED_ON


def _require_own_repository(repository: Repository) -> None:
    top = repository.run("rev-parse", "--show-toplevel", allowed=(0, 128)).stdout.strip()
    if not top or Path(top).resolve() != repository.folder:
        raise UpdateError(f"{repository.folder} is not a separate git repository; run `git init` and commit first.")


def _start(repository: Repository, found: service.Service) -> str:
    """Return the commit of the branch `template` that the service comes from, made again where a clone lacks it."""
    if start := base.start(repository, found):
        return start
    if found.commit and Repository(TEMPLATE).commit_of(found.commit):
        with suppress(UpdateError):  # a template too old to make it
            return _from_recorded_commit(repository, found)
    if start := base.latest(repository):
        return start
    raise UpdateError(
        "this clone has neither the branch `template` nor the first commit; run `git fetch --unshallow`, then this "
        "again."
    )


def _from_recorded_commit(repository: Repository, found: service.Service) -> str:
    """Bake the service from the recorded commit of the template, as a commit without parents. Raises UpdateError."""
    with (
        TemporaryDirectory(prefix="recorded-") as output,
        base.checked_out(Repository(TEMPLATE), found.commit) as old,
    ):
        command = [sys.executable, "-B", "-m", "workshop.update.pristine", str(repository.folder), output]
        done = subprocess.run(command, cwd=old.folder, check=False, capture_output=True, text=True)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise UpdateError(f"the template's commit {found.commit[:7]} failed: {reason}")
        made = Path(done.stdout.strip().splitlines()[-1])
        # Made in a temporary checkout, which is not where the service came from.
        recorded = (repository.folder / service.FILE).read_text(encoding="utf-8")
        written = (made / service.FILE).read_text(encoding="utf-8")
        (made / service.FILE).write_text(service.with_origin(written, recorded), encoding="utf-8")
        empty = repository.read("commit-tree", repository.read("mktree"), "-m", "Start the branch template")
        with base.checked_out(repository, empty) as tree:
            return merge.replace(tree, made, f"Template {found.version}")


def _parsed(given: Sequence[str], answers: Mapping[str, str]) -> dict[str, str]:
    """Return the answers to change. Raises UpdateError."""
    parsed: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if reason := FIXED.get(name):
            if equals and value == answers.get(name):
                continue
            raise UpdateError(f"--answer {text} is refused: {name} cannot be changed, because {reason}.")
        if not equals or name not in pristine.questions():
            known = ", ".join(name for name in pristine.questions() if name not in FIXED)
            raise UpdateError(f"--answer {text} is invalid: write QUESTION=ANSWER, with one of {known}.")
        parsed[name] = value
    return parsed
