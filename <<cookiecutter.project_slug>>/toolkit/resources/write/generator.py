"""The generator: from resources to files, for the template's hook and the tasks `resource.*`.

A file is written if it does not exist, or if it is unchanged since it was generated (by the manifest). One that the
owner has edited is merged with the change, one that they have deleted stays deleted; a second run changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from toolkit.resources.line.authentication import refusal
from toolkit.resources.line.model import Resource
from toolkit.resources.line.parser import Fault, ResourceErrors, parse
from toolkit.resources.line.syntax import Reader
from toolkit.resources.write import layout, manifest, service_file
from toolkit.resources.write.change import MEANING, Change, GeneratorError
from toolkit.resources.write.plan import Wanted, plan, text_of
from toolkit.resources.write.plan import former as _former
from toolkit.resources.write.render import TEMPLATES, render

__all__ = ["MEANING", "Change", "GeneratorError", "Wanted", "add", "plan", "prepare", "render", "write", "written"]


def add(
    text: str, root: Path, *, check: bool = False, unformatted: bool = False, templates: Path = TEMPLATES
) -> list[Change]:
    """Add the resources of a text to the service in `root`, or with `check` only report the changes.

    An existing resource with the same line changes nothing. Raises ResourceErrors for an invalid text, and
    GeneratorError for conflicting files, or without ruff (unless `unformatted` allows that); then nothing was written.
    """
    changes = prepare(root, with_new(text, root), unformatted=unformatted, templates=templates)
    require_possible(changes)
    if not check:
        write(changes, root)
    return changes


def with_new(text: str, root: Path) -> list[str]:
    """Return the resource lines with those of a text. Raises ResourceErrors, also if one exists and differs."""
    service = read_service(root)
    known = known_resources(service.lines)
    return [*service.lines, *(resource.line for resource in _new(text, known))]


def prepare(
    root: Path,
    lines: Sequence[str],
    *,
    renamed: Mapping[str, str] | None = None,
    removes: bool = False,
    service: service_file.ServiceFile | None = None,
    unformatted: bool = False,
    templates: Path = TEMPLATES,
) -> list[Change]:
    """Return the changes that give the service these lines: its files, and service.toml. Writes nothing.

    `service` takes the place of a service.toml that has conflict marks. Raises GeneratorError for invalid lines, or
    without ruff (unless `unformatted` allows that).
    """
    if not unformatted and layout.find_ruff(root) is None:
        raise GeneratorError(
            "nothing was written: ruff, which formats the files, is not in .venv; add it to the group `dev` in "
            "pyproject.toml"
        )
    service = service or read_service(root)
    after = known_resources(lines)
    if reason := refusal(after, str(service.values.get("answers", {}).get("auth", ""))):
        raise GeneratorError(f"nothing was written: {reason}")
    context = {"answers": service.values.get("answers", {}), "service": service.values.get("service", {})}
    try:
        text = service.with_lines(lines) if list(lines) != service.lines else service.text
        changes = plan(Wanted(after, former(root, service), renamed, removes), context, root, templates)
    except GeneratorError:
        raise
    except (ValueError, OSError) as error:
        raise GeneratorError(f"nothing was written: {error}") from error
    found = text_of(root / service_file.NAME)
    return [*changes, Change(service_file.NAME, text, "ok" if text == found else "update", found)]


def require_possible(changes: Iterable[Change]) -> None:
    """Raise GeneratorError for files that are in the way, or that have the conflict marks of a git merge."""
    for status, reason in (("foreign", "files are in the way"), ("unresolved", "a git merge is unresolved")):
        if found := [str(change) for change in changes if change.status == status]:
            raise GeneratorError(f"nothing was written, because {reason}:\n" + "\n".join(found))


def write(changes: Iterable[Change], root: Path) -> None:
    """Execute a plan. After an interruption it can be run again: an unchanged file counts as written."""
    changes = list(changes)
    for change in changes:
        if change.status == "remove":
            (root / change.path).unlink(missing_ok=True)
        elif change.writes or change.status == "conflict":
            _write(root / change.path, change.content)
            if change.source:
                (root / change.source).unlink(missing_ok=True)
    recorded = manifest.read(root)
    files = dict(_digests(changes, recorded))
    lines = service_file.read(root).lines
    if (files, tuple(lines), False) != (recorded.files, recorded.lines, recorded.merging):
        _write(root / manifest.PATH, manifest.text(files, lines))


@contextmanager
def written(changes: Sequence[Change], root: Path) -> Iterator[None]:
    """Execute a plan, and undo it if the block fails: also a revision that cannot be written changes nothing."""
    versions = root / "alembic" / "versions"
    paths = {manifest.PATH.as_posix(), *(path for change in changes for path in (change.path, change.source) if path)}
    kept = {path: (root / path).read_bytes() if (root / path).exists() else None for path in paths}
    revisions = set(versions.glob("*.py"))
    try:
        write(changes, root)
        yield
    except BaseException:
        for path, content in kept.items():
            if content is None:
                (root / path).unlink(missing_ok=True)
            else:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(content)
        for revision in set(versions.glob("*.py")) - revisions:
            revision.unlink()
        raise


def read_service(root: Path) -> service_file.ServiceFile:
    """Return service.toml. Raises GeneratorError."""
    try:
        return service_file.read(root)
    except ValueError as error:
        raise GeneratorError(f"nothing was written: {error}") from error


def known_resources(lines: Sequence[str]) -> tuple[Resource, ...]:
    """Return the resources of service.toml. Raises GeneratorError for invalid lines."""
    if not lines:
        return ()
    try:
        return parse(";\n".join(lines))
    except ResourceErrors as errors:
        message = f"the resource lines in {service_file.NAME} are invalid; correct them there\n{errors}"
        raise GeneratorError(message) from errors


def former(root: Path, service: service_file.ServiceFile) -> tuple[Resource, ...]:
    """Return the resources that the files were made from; empty if this version of the grammar refuses their lines.

    Raises ValueError for a damaged manifest.
    """
    recorded = manifest.read(root).lines
    return _former(service.lines if recorded is None else recorded)


def _digests(changes: Iterable[Change], recorded: manifest.Manifest) -> Iterator[tuple[str, str]]:
    for change in changes:
        if change.path == service_file.NAME or change.status == "remove":
            continue
        origin = change.source or change.path
        if change.generated is not None:
            yield change.path, manifest.digest(change.generated)
        elif change.status in ("edited", "deleted", "orphan"):
            made = manifest.digest(change.content)
            if made != recorded.others.get(origin):  # else the other side of a git merge has made it
                made = recorded.files.get(origin, made)
            yield change.path, made
        else:
            yield change.path, manifest.digest(change.content)


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(content, encoding="utf-8", errors="surrogateescape", newline="")
    beside.replace(path)


def _new(text: str, known: tuple[Resource, ...]) -> Iterator[Resource]:
    """Return the resources of the text that do not exist yet. Raises ResourceErrors, also if one exists and differs."""
    there = {resource.name: resource for resource in known}
    raw = {resource.name.text: resource.name for resource in Reader(text).resources()}
    parsed = parse(text, [resource for resource in known if resource.name not in raw])
    faults = [
        Fault(
            raw[resource.name].offset + 1,
            resource.name,
            "",
            f"it already exists as `{there[resource.name].line}`; to change it, run `python3 tasks.py "
            f'resource.change {resource.name} "+field:type -field field:type old->new"`',
        )
        for resource in parsed
        if resource.name in there and resource != there[resource.name]
    ]
    if faults:
        raise ResourceErrors(text, faults)
    return (resource for resource in parsed if resource.name not in there)
