"""The generator: from resources to files, for the template's hook and `invoke resource.add`.

A file is written if it does not exist, or if it is unchanged since it was generated (by the manifest). A file that the
owner has edited or deleted is left unchanged and reported; a second run changes nothing.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from toolkit.resources.line.model import Resource, by_reference
from toolkit.resources.line.parser import Fault, ResourceErrors, parse
from toolkit.resources.line.syntax import Reader
from toolkit.resources.write import layout, manifest, service_file
from toolkit.resources.write.filters import FILTERS

TEMPLATES = Path(__file__).parents[1] / "templates"

Status = Literal["create", "update", "ok", "edited", "deleted", "foreign", "orphan"]
MEANING: Mapping[Status, str] = {
    "create": "new",
    "update": "regenerated",
    "ok": "unchanged",
    "edited": "edited since it was generated; kept",
    "deleted": "deleted since it was generated; to create it again, remove it from .generated.json",
    "foreign": "exists and was not generated; move it away, or give the resource another name",
    "orphan": "generated for a resource that no longer exists; delete it when it is no longer needed",
}


class GeneratorError(ValueError):
    """Nothing was written; the message has the reason and the next step."""


@dataclass(frozen=True)
class Change:
    """One file of the service: `content` is the generator's, `found` the existing one (None: no file)."""

    path: str
    content: str
    status: Status
    found: str | None = None

    @property
    def writes(self) -> bool:
        """Return True if this file is written."""
        return self.status in ("create", "update")

    def __str__(self) -> str:
        return f"{self.status:<8} {self.path}  ({MEANING[self.status]})"

    def diff(self) -> str:
        """Return the unified diff from the existing file to the generated one."""
        old, new = (self.found or "").splitlines(keepends=True), self.content.splitlines(keepends=True)
        return "".join(difflib.unified_diff(old, new, f"a/{self.path}", f"b/{self.path}"))


def add(
    text: str, root: Path, *, check: bool = False, unformatted: bool = False, templates: Path = TEMPLATES
) -> list[Change]:
    """Add the resources of a text to the service in `root`, or with `check` only report the changes.

    An existing resource with the same line changes nothing. Raises ResourceErrors for an invalid text, and
    GeneratorError for conflicting files, or without ruff (unless `unformatted` allows that); then nothing was written.
    """
    if not unformatted and layout.find_ruff(root) is None:
        raise GeneratorError(
            "nothing was written: ruff, which formats the files, is not in .venv; add it to the group `dev` in "
            "pyproject.toml"
        )
    try:
        service = service_file.read(root)
        known = _known(service)
        resources = (*known, *_new(text, known))
        context = {"answers": service.values.get("answers", {}), "service": service.values.get("service", {})}
        lines = service.with_lines(resource.line for resource in resources) if len(resources) > len(known) else ""
        changes = plan(resources, context, root, templates)
    except (ResourceErrors, GeneratorError):
        raise
    except (ValueError, OSError) as error:
        raise GeneratorError(f"nothing was written: {error}") from error
    if foreign := [str(change) for change in changes if change.status == "foreign"]:
        raise GeneratorError("nothing was written, because files are in the way:\n" + "\n".join(foreign))
    if lines:
        changes.append(Change(service_file.NAME, lines, "update", service.text))
    if not check:
        write(changes, root)
    return changes


def plan(
    resources: Iterable[Resource], context: Mapping[str, Any], root: Path, templates: Path = TEMPLATES
) -> list[Change]:
    """Return every file of the resources, and every other file of the manifest, with its state. Writes nothing.

    Without ruff, the files are as the templates render them.
    """
    recorded = manifest.read(root)
    wanted = dict(render(by_reference(resources), context, templates))
    if ruff := layout.find_ruff(root):
        try:
            wanted = layout.arrange(wanted, root, ruff)
        except ValueError as error:
            raise GeneratorError(f"nothing was written: ruff failed on the rendered files\n{error}") from error
    changes = [_change(path, content, root, recorded) for path, content in sorted(wanted.items())]
    orphans = (path for path in sorted(recorded) if path not in wanted and (root / path).exists())
    return changes + [Change(path, "", "orphan", _text(root / path)) for path in orphans]


def write(changes: Iterable[Change], root: Path) -> None:
    """Execute a plan. After an interruption it can be run again: an unchanged file counts as written."""
    changes = list(changes)
    for change in changes:
        if change.writes:
            _write(root / change.path, change.content)
    recorded = manifest.read(root)
    generated = [change for change in changes if change.path != service_file.NAME]
    kept = {change.path for change in generated if change.status in ("edited", "deleted", "orphan")}
    written = {
        change.path: manifest.digest(change.content) for change in generated if change.writes or change.status == "ok"
    }
    files = {path: digest for path, digest in recorded.items() if path in kept} | written
    if files != recorded:
        _write(root / manifest.PATH, manifest.text(files))


def render(
    resources: tuple[Resource, ...], context: Mapping[str, Any], templates: Path = TEMPLATES
) -> Iterator[tuple[str, str]]:
    """Return path and text of every generated file, from every template.

    A template whose path has a placeholder (`[module]`) is rendered for each resource, one without (`resources.py.j2`)
    once; a file that ends only in `.j2` (`macros.j2`) is imported by other templates.
    """
    environment = _environment(templates)
    for name in sorted(environment.list_templates(extensions=["j2"])):
        template = environment.get_template(name)
        target = name.removesuffix(".j2")
        if "." not in target.rpartition("/")[2]:
            continue
        for resource in resources if "[" in target else (None,):
            path = _path(target, resource) if resource else target
            own = {"resource": resource} if resource else {}
            try:
                yield path, template.render(context, resources=resources, **own)
            except TemplateError as error:
                raise GeneratorError(f"nothing was written: the template {name} fails for {path}: {error}") from error


@cache
def _environment(templates: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates, encoding="utf-8"),
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
        line_statement_prefix="# %",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Python, not HTML; the parser accepts only valid names
    )
    environment.filters |= FILTERS
    return environment


def _path(target: str, resource: Resource) -> str:
    for placeholder in ("name", "plural", "module", "plural_module"):
        target = target.replace(f"[{placeholder}]", getattr(resource, placeholder))
    return target


def _change(path: str, content: str, root: Path, recorded: Mapping[str, str]) -> Change:
    found = _text(root / path)
    if found is None:
        return Change(path, content, "deleted" if path in recorded else "create")
    if manifest.digest(found) == manifest.digest(content):
        return Change(path, content, "ok", found)
    if path not in recorded:
        return Change(path, content, "foreign", found)
    return Change(path, content, "update" if manifest.digest(found) == recorded[path] else "edited", found)


def _text(path: Path) -> str | None:
    return path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else None


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(content, encoding="utf-8", newline="\n")
    beside.replace(path)


def _known(service: service_file.ServiceFile) -> tuple[Resource, ...]:
    if not service.lines:
        return ()
    try:
        return parse(";\n".join(service.lines))
    except ResourceErrors as errors:
        message = f"the resource lines in {service_file.NAME} are invalid; correct them there\n{errors}"
        raise GeneratorError(message) from errors


def _new(text: str, known: tuple[Resource, ...]) -> Iterator[Resource]:
    """Return the resources of the text that do not exist yet. Raises ResourceErrors, also if one exists and differs."""
    there = {resource.name: resource for resource in known}
    raw = {resource.name.text: resource.name for resource in Reader(text).resources()}
    parsed = parse(text, [resource for resource in known if resource.name not in raw])
    way = f"to change it, edit its line in {service_file.NAME} and run this again: unedited files are regenerated"
    faults = [
        Fault(
            raw[resource.name].offset + 1,
            resource.name,
            "",
            f"it already exists as `{there[resource.name].line}`; {way}",
        )
        for resource in parsed
        if resource.name in there and resource != there[resource.name]
    ]
    if faults:
        raise ResourceErrors(text, faults)
    return (resource for resource in parsed if resource.name not in there)
