"""The task `update`: what it refuses, what it does, and what it says is next.

Exit codes: 0 updated, or nothing to do; 1 refused, and nothing was changed; 2 with --check, when the template has moved
on; 3 when conflicts are left to resolve.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from workshop.update import base, changelog, merge, pristine, service
from workshop.update.git import Repository, UpdateError

TEMPLATE = pristine.TEMPLATE
MOVED_ON, CONFLICTS = 2, 3


def run(project: Path, answers: Sequence[str], *, check: bool) -> int:
    """Bring the service in `project` to this version of the template. `answers` are QUESTION=ANSWER to change."""
    try:
        return _update(Repository(project.resolve()), _parsed(answers), check=check)
    except UpdateError as error:
        print(f"Not updated: {error}", file=sys.stderr)
        return 1


def _update(repository: Repository, changed: Mapping[str, str], *, check: bool) -> int:
    found = service.read(repository.folder)
    _require_own_repository(repository)
    if check:
        return _check(found)
    if dirty := repository.read("status", "--porcelain"):
        raise UpdateError(f"{repository.folder} has uncommitted changes; commit or stash them first:\n{dirty}")
    answers = {**found.answers, **changed}
    with TemporaryDirectory(prefix="update-") as folder:
        made = pristine.make(answers, found.lines, Path(folder))
        start = base.start(repository) or _from_recorded_commit(repository, found)
        with base.checked_out(repository, start) as tree:
            older = base.with_lines(tree, found.lines)
            newer = merge.replace(tree, made, f"Template {_version()}")
    if newer == older:
        repository.run("branch", "--force", base.BRANCH, newer)
        print(f"Up to date: the template's {_version()} makes the same service.")
        return 0
    merged = merge.merge(repository, older, newer, f"Update to the template's {_version()}")
    repository.run("branch", "--force", base.BRANCH, newer)
    _report(repository, found, merged)
    return CONFLICTS if merged.conflicts else 0


def _check(found: service.Service) -> int:
    here = Repository(TEMPLATE)
    if found.commit and here.commit_of("HEAD") == found.commit:
        print(f"Up to date: made from {_version()}.")
        return 0
    if not found.commit and found.version == _template_version():
        print(f"Version {found.version}, as the template; the service has no record of the commit.")
        return 0
    print(f"The template has moved on, from {found.version or 'an unknown version'} to {_version()}.\n")
    print(_changes_since(found))
    return MOVED_ON


def _require_own_repository(repository: Repository) -> None:
    top = repository.run("rev-parse", "--show-toplevel", allowed=(0, 128)).stdout.strip()
    if not top or Path(top).resolve() != repository.folder:
        raise UpdateError(f"{repository.folder} is not a separate git repository; run `git init` and commit first.")


def _from_recorded_commit(repository: Repository, found: service.Service) -> str:
    """Bake the service from the recorded commit of the template, as a commit without parents.

    For a clone without the history in which the branch `template` began.
    """
    here = Repository(TEMPLATE)
    if not found.commit or not here.commit_of(found.commit):
        raise UpdateError(
            "this clone has neither the branch `template` nor the first commit; run `git fetch --unshallow`, then this "
            "again."
        )
    with TemporaryDirectory(prefix="recorded-") as output, base.checked_out(here, found.commit) as old:
        command = [sys.executable, "-B", "-m", "workshop.update.pristine", str(repository.folder), output]
        done = subprocess.run(command, cwd=old.folder, check=False, capture_output=True, text=True)
        if done.returncode:
            reason = done.stderr.strip().splitlines()[-1]
            raise UpdateError(f"the template's commit {found.commit[:7]} failed: {reason}")
        made = Path(done.stdout.strip().splitlines()[-1])
        # Made in a temporary checkout, which is not where the service came from.
        recorded = (repository.folder / service.FILE).read_text(encoding="utf-8")
        written = (made / service.FILE).read_text(encoding="utf-8")
        (made / service.FILE).write_text(service.with_origin(written, recorded), encoding="utf-8")
        empty = repository.read("commit-tree", repository.read("mktree"), "-m", "Start the branch template")
        with base.checked_out(repository, empty) as tree:
            return merge.replace(tree, made, f"Template {found.version}")


def _report(repository: Repository, found: service.Service, merged: merge.Merged) -> None:
    print(f"Merged: from {found.version or 'an unknown version'} to {_version()}.")
    new = [name for name in pristine.questions() if name not in found.answers and name != "resources"]
    if new:
        print(f"New questions took their defaults: {', '.join(new)}.")
    if merged.dropped:
        print("Edits in the toolkit are not carried over; look at them with `git diff template...HEAD^ -- FILE`:")
        print("".join(f"  {path}\n" for path in merged.dropped), end="")
    folder = repository.folder
    if merged.conflicts:
        print("\nBoth sides changed these files. Resolve the marks, `git add` them, and `git commit`:")
        print("".join(f"  {path}\n" for path in merged.conflicts), end="")
    print(f"\nNext, in {folder}:")
    for command in ("setup", 'migrate.new "Update the template"', "openapi", "format", "test"):
        print(f"  python3 tasks.py {command}")
    if changes := _changes_since(found):
        print(f"\nWhat is new:\n\n{changes}")


def _parsed(answers: Sequence[str]) -> dict[str, str]:
    parsed: dict[str, str] = {}
    for text in answers:
        name, equals, value = text.partition("=")
        if not equals or name not in pristine.questions() or name == "resources":
            raise UpdateError(f"-a {text} is invalid: write QUESTION=ANSWER, with one of {pristine.questions()}.")
        parsed[name] = value
    return parsed


def _changes_since(found: service.Service) -> str:
    """The changelog's newer sections, or within one version the subjects of the newer commits."""
    text = (TEMPLATE / "CHANGELOG.md").read_text(encoding="utf-8")
    if sections := changelog.since(text, found.version):
        return sections
    here = Repository(TEMPLATE)
    known = found.commit and here.commit_of(found.commit)
    return here.read("log", "--format=- %s", f"{found.commit}..HEAD") if known else ""


def _template_version() -> str:
    import tomllib

    return tomllib.loads((TEMPLATE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def _version() -> str:
    commit = Repository(TEMPLATE).run("rev-parse", "--short", "HEAD", allowed=(0, 128)).stdout.strip()
    return f"version {_template_version()}" + (f" ({commit})" if commit else "")
