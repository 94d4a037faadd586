"""The tasks `resource.*`: the lines of service.toml, the files made from them, their revision, docs/openapi.json."""

import contextlib
import fcntl
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.dev import openapi, resource_options
from toolkit.dev.migrations import new_revision
from toolkit.dev.resource_options import Given
from toolkit.resources.change.edit import edit
from toolkit.resources.write import generator
from toolkit.resources.write.change import Change, GeneratorError

CHANGED, CONFLICTS = 2, 3


@dataclass(frozen=True)
class Options:
    """`check` writes nothing, `diff` shows every change, `conflicts` writes conflicts with their marks."""

    check: bool = False
    diff: bool = False
    conflicts: bool = False


@dataclass(frozen=True)
class Work:
    """The lines to reach, the revision's message, and what the revision has to know."""

    message: str
    lines: Sequence[str]
    given: Given = resource_options.NONE


@contextlib.contextmanager
def alone(project: Path) -> Iterator[None]:
    """Allow one at a time: a second would read lines, models and revisions that the first is about to change."""
    (project / ".dev").mkdir(exist_ok=True)
    with (project / ".dev" / "resources.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def add(project: Path, line: str, options: Options) -> None:
    """Add the resources of a line. Raises SystemExit, see `carry_out`."""
    with _refusing(), alone(project):
        message = f"add {line.partition(':')[0].strip()}"
        carry_out(project, Work(message, generator.with_new(line, project)), options)


def change(
    project: Path, name: str, expression: str, backfills: Sequence[str], maps: Sequence[str], options: Options
) -> None:
    """Change the fields of a resource by an expression (toolkit/resources/change/edit.py). Raises SystemExit."""
    with _refusing(), alone(project):
        edited = edit(generator.read_service(project).lines, name, expression)
        renames = resource_options.qualified(name, (f"{old}={new}" for old, new in edited.renamed.items()))
        given = Given(renames, resource_options.qualified(name, backfills), resource_options.qualified(name, maps))
        carry_out(project, Work(f"change {name}", edited.lines, given), options)


def carry_out(project: Path, work: Work, options: Options) -> None:
    """Write files, revision and OpenAPI document for the lines; all of it, or nothing.

    Raises SystemExit: 1 refused, 2 with `check` if anything would change, 3 for conflicts with the owner's edits.
    """
    new_revision.require_one_head(project)  # before writing any file without a possible revision
    intents = resource_options.intents(generator.former(project), generator.known_resources(work.lines), work.given)
    changes = generator.prepare(project, work.lines, renamed=resource_options.renamed_resources(work.given))
    generator.require_possible(changes)
    conflicts = [change for change in changes if change.status == "conflict"]
    _show(changes, options, conflicts)
    if options.check:
        raise SystemExit(CONFLICTS if conflicts else CHANGED if any(change.writes for change in changes) else 0)
    if conflicts:
        _write_marks(project, changes, conflicts, work, options)
    with generator.written(changes, project):
        revision = new_revision.new(work.message, project, intents)
    print(f"{'create' if revision else 'ok':<8} {revision.relative_to(project) if revision else 'alembic/versions'}")
    openapi.write(project)
    if revision:
        print("Next: python3 tasks.py migrate && python3 tasks.py test")


def _show(changes: Sequence[Change], options: Options, conflicts: Sequence[Change]) -> None:
    for change in changes:
        print(change)
    for change in changes if options.diff else conflicts:
        if change.writes or change in conflicts:
            print(change.diff(), end="")


def _write_marks(
    project: Path, changes: Sequence[Change], conflicts: Sequence[Change], work: Work, options: Options
) -> None:
    """Refuse a change with conflicts, or with `conflicts` write it up to the marks. Raises SystemExit."""
    names = "".join(f"  {change.path}\n" for change in conflicts)
    if not options.conflicts:
        print(
            f"\nNothing was written: your edits and the change are in the same lines of\n{names}"
            "Edit these files first, or run this again with --conflicts to get them with conflict marks.",
            file=sys.stderr,
        )
    else:
        generator.write(changes, project)
        print(
            f"\nWritten with conflict marks, and without a revision:\n{names}"
            f"Resolve the marks, then run: python3 tasks.py resource.sync{work.given}",
            file=sys.stderr,
        )
    raise SystemExit(CONFLICTS)


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Turn a refusal into a message without a traceback."""
    try:
        yield
    except (GeneratorError, ValueError) as fault:
        raise SystemExit(str(fault)) from None
