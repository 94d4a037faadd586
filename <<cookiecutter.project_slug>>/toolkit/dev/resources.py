"""The tasks `resource.*`: the lines of service.toml, the files made from them, their revision, docs/openapi.json."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from toolkit.dev import openapi, resource_options, service
from toolkit.dev.alone import alone
from toolkit.dev.migrations import new_revision
from toolkit.dev.resource_options import Given
from toolkit.resources.change import lines
from toolkit.resources.change.edit import edit
from toolkit.resources.write import generator, manifest, renaming, service_file
from toolkit.resources.write.change import Change, GeneratorError
from toolkit.resources.write.service_file import ServiceFile

CHANGED, CONFLICTS = 2, 3


@dataclass(frozen=True)
class Options:
    """`check` writes nothing, `diff` shows every change, `conflicts` writes conflicts with their marks.

    `delete_edited` also deletes files of a removed resource that have edits.
    """

    check: bool = False
    diff: bool = False
    conflicts: bool = False
    delete_edited: bool = False


@dataclass(frozen=True)
class Work:
    """The lines to reach, the revision's message, and what the revision has to know.

    `removes`: the files of resources without a line are deleted. `service` replaces a service.toml with conflict marks.
    """

    message: str
    lines: Sequence[str]
    given: Given = resource_options.NONE
    removes: bool = False
    service: ServiceFile | None = None


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


def rename(project: Path, old: str, new: str, options: Options) -> None:
    """Give a resource another name, `name` or `name/plural`. Raises SystemExit."""
    with _refusing(), alone(project):
        former = generator.read_service(project).lines
        changed = lines.renamed(former, old, new)
        name = new.partition("/")[0]
        before = next(each for each in generator.known_resources(former) if each.name == old)
        given = Given(renames=(f"{old}/{before.plural}={name}",))
        after = next(each for each in generator.known_resources(changed) if each.name == name)
        carry_out(project, Work(f"rename {old} to {name}", changed, given), options)
        print(f"Note: the path /{before.url} of the API becomes /{after.url}, and so do the scopes.", file=sys.stderr)
        generated = manifest.read(project).files
        if found := list(renaming.mentions(project, before, generated)):
            print(f"Note: your own code uses the former names; change them in: {', '.join(found)}", file=sys.stderr)


def remove(project: Path, name: str, options: Options) -> None:
    """Remove a resource and its files. Raises SystemExit, also while another resource refers to it."""
    with _refusing(), alone(project):
        kept = lines.without(generator.read_service(project).lines, name)
        carry_out(project, Work(f"remove {name}", kept, removes=True), options)


def sync(project: Path, given: Given, options: Options) -> None:
    """Make everything as the lines in service.toml say; after a git merge, put the generated lists right."""
    with _refusing(), alone(project):
        merged = service_file.merged(project)
        declared = service_file.parse(merged, project) if merged else generator.read_service(project)
        work = Work("sync resources", declared.lines, given, removes=True, service=declared)
        heads = _heads(project)
        carry_out(project, work, options, revise=len(heads) < 2)
        if len(heads) > 1:
            print(f"There are {len(heads)} heads ({', '.join(heads)}), so that no revision was written.")
            print("Next: python3 tasks.py migrate.merge && python3 tasks.py resource.sync")


def carry_out(project: Path, work: Work, options: Options, *, revise: bool = True) -> None:
    """Write files, revision and OpenAPI document for the lines; all of it, or nothing.

    Raises SystemExit: 1 refused, 2 with `check` if anything would change, 3 for conflicts with the owner's edits.
    """
    if revise:
        new_revision.require_one_head(project)  # before writing any file without a possible revision
    declared = work.service or generator.read_service(project)
    before, after = generator.former(project, declared), generator.known_resources(work.lines)
    intents = resource_options.intents(before, after, work.given)
    renamed = resource_options.renamed_resources(work.given)
    changes = generator.prepare(project, work.lines, renamed=renamed, removes=work.removes, service=declared)
    generator.require_possible(changes)
    if work.removes:
        changes = _with_deletions(changes, options)
    conflicts = [change for change in changes if change.status == "conflict"]
    _show(changes, options, conflicts)
    if options.check:
        raise SystemExit(CONFLICTS if conflicts else CHANGED if _changes_anything(project, changes) else 0)
    if conflicts:
        _write_marks(project, changes, conflicts, work, options)
    with _unchanged_after(changes), generator.written(changes, project):
        revision = new_revision.new(work.message, project, intents) if revise else None
    print(f"{'create' if revision else 'ok':<8} {revision.relative_to(project) if revision else 'alembic/versions'}")
    openapi.write(project)
    for note in resource_options.unmapped(before, after, work.given, intents) if revision else ():
        print(f"Note: {note}", file=sys.stderr)
    if revision:
        print("Next: python3 tasks.py migrate && python3 tasks.py test")


def _with_deletions(changes: Sequence[Change], options: Options) -> list[Change]:
    """Return the changes with deletions of edited files if the options allow them. Raises GeneratorError otherwise."""
    edited = [change for change in changes if change.status == "orphan"]
    if edited and not options.delete_edited:
        names = "".join(f"  {change.path}\n" for change in edited)
        raise GeneratorError(
            f"nothing was written: files of a removed resource have your edits\n{names}"
            "Move what you want to keep, and run this again with --delete-edited."
        )
    return [replace(change, status="remove") if change in edited else change for change in changes]


def _changes_anything(project: Path, changes: Sequence[Change]) -> bool:
    """Return True if a file would be written; docs/openapi.json is compared once the files are unchanged."""
    if any(change.writes for change in changes):
        return True
    if not openapi.is_current(project):
        print(f"update   {openapi.FILE}  (out of date)")
        return True
    return False


def _heads(project: Path) -> tuple[str, ...]:
    try:
        return service.revisions(project).heads
    except service.ServiceError as error:
        raise SystemExit(f"Nothing was written: {error}.") from None


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
def _unchanged_after(changes: Sequence[Change]) -> Iterator[None]:
    """Say after a refused revision that the listed files were not written."""
    try:
        yield
    except SystemExit as refusal:
        if isinstance(refusal.code, str) and any(change.writes for change in changes):
            raise SystemExit(f"{refusal.code}\nNothing was written: the files listed above are unchanged.") from None
        raise


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Turn a refusal into a message without a traceback."""
    try:
        yield
    except (GeneratorError, ValueError) as fault:
        raise SystemExit(str(fault)) from None
