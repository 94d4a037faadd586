"""The resource lines in service.toml: read, and rewritten as text so that comments and order stay."""

import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.resources.write import marks
from toolkit.resources.write.union import union

NAME = "service.toml"
_SECTION = re.compile(r"^\[resources\][^\n]*$", re.MULTILINE)
_NEXT_SECTION = re.compile(r"^\[", re.MULTILINE)
_LINES = re.compile(r"^lines\s*=\s*\[", re.MULTILINE)
# The comment above the first table of outstanding steps, and each table.
_HEADING = re.compile(r"^#[^\n]*migrate\.contract`\.\n", re.MULTILINE)
_CONTRACT = re.compile(r"^\[\[contract\]\]\n(?:(?!\[|\#)[^\n]*\n?)*", re.MULTILINE)
_ITEM = re.compile(r'''"""(?:[^\\]|\\.)*?"""|\'{3}.*?\'{3}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\#[^\n]*|[\s,]''', re.DOTALL)


class ServiceFileError(ValueError):
    """service.toml cannot be read or rewritten; the message has the reason and the next step."""


@dataclass(frozen=True)
class ServiceFile:
    """The text of service.toml and its parsed content."""

    text: str
    values: dict[str, Any]

    @property
    def lines(self) -> list[str]:
        """The resource lines."""
        return list(self.values.get("resources", {}).get("lines", []))

    def with_lines(self, lines: Iterable[str]) -> str:
        """Return the text with other resource lines, otherwise unchanged. Raises ServiceFileError."""
        lines = list(lines)
        start, end = _span(self.text)
        items = "".join(f"    {_quoted(line)},\n" for line in lines)
        changed = f"{self.text[:start]}lines = [\n{items}]{self.text[end:]}"
        expected = {**self.values, "resources": {**self.values.get("resources", {}), "lines": lines}}
        if tomllib.loads(changed) != expected:
            raise ServiceFileError(f"the `lines` of {NAME} cannot be rewritten safely; edit them manually: {lines}")
        return changed


def read(root: Path) -> ServiceFile:
    """Read service.toml. Raises ServiceFileError."""
    path = root / NAME
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ServiceFileError(
            f"{path} cannot be read: {error.strerror}; run this in the service's own folder"
        ) from error
    except ValueError as error:
        raise ServiceFileError(f"{path} is not valid TOML: {error}; correct it, or restore it with git") from error
    if marks.has_marks(text):
        way = "run `python3 tasks.py resource.sync`, which merges the resource lines"
        raise ServiceFileError(f"{path} has the conflict marks of a git merge; {way}")
    return parse(text, path)


def parse(text: str, path: Path) -> ServiceFile:
    """Return the content of a text; `path` is for messages. Raises ServiceFileError."""
    try:
        values = tomllib.loads(text)
    except ValueError as error:
        raise ServiceFileError(f"{path} is not valid TOML: {error}; correct it, or restore it with git") from error
    lines = values.get("resources", {}).get("lines", [])
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise ServiceFileError(
            f"[resources] lines in {path} is not a list of strings; expected one string for each resource"
        )
    return ServiceFile(text, values)


def merged(root: Path) -> str | None:
    """Return service.toml with its conflict marks resolved: resource lines and contract tables of both sides.

    None without marks. Raises ServiceFileError for any other conflict.
    """
    path = root / NAME
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if not marks.has_marks(text):
        return None
    common, _, _ = marks.in_index(root, NAME)
    try:
        base = None if common is None else parse(common, path)
        ours, theirs = (parse(side, path) for side in marks.sides(text))
        lines = union(base.lines if base else None, ours.lines, theirs.lines)
        one, other = (side.with_lines(lines) for side in (ours, theirs))
    except ValueError as error:
        raise ServiceFileError(f"{path} has conflict marks; resolve them, then run this again: {error}") from None
    heading = next((found[0] for side in (one, other) if (found := _HEADING.search(side))), "")
    one, other = (_HEADING.sub("", side) for side in (one, other))
    if _CONTRACT.sub("", one).strip() != _CONTRACT.sub("", other).strip():
        raise ServiceFileError(
            f"{path} has conflict marks outside the resource lines; resolve them, then run this again"
        )
    tables = marks.both(*(_contracts(side) for side in (common, one, other)))
    headings = (heading, *[""] * len(tables))
    steps = "".join(f"\n{above}{table}\n" for above, table in zip(headings, tables, strict=False))
    return f"{_CONTRACT.sub('', one).rstrip()}\n{steps}"


def _contracts(text: str | None) -> list[str] | None:
    return None if text is None else [found[0].strip() for found in _CONTRACT.finditer(text)]


def _quoted(line: str) -> str:
    """Return a TOML basic string, which equals JSON's except for the character DEL."""
    return json.dumps(line, ensure_ascii=False).replace("\x7f", "\\u007f")


def _span(text: str) -> tuple[int, int]:
    """Return the place of `lines = [...]` in [resources]."""
    section = _SECTION.search(text)
    following = _NEXT_SECTION.search(text, section.end()) if section else None
    found = _LINES.search(text, section.end(), following.start() if following else len(text)) if section else None
    at = found.end() if found else 0
    while found and (item := _ITEM.match(text, at)):
        at = item.end()
    if not found or text[at : at + 1] != "]":
        raise ServiceFileError(f"{NAME} has no `lines = [...]` below [resources]; add `[resources]` and `lines = []`")
    return found.start(), at + 1
