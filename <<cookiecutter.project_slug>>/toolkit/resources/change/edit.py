"""The change expression, `+sku:str(..40)? -legacy total->amount`, applied to a resource's line. Pure.

change := item { " " item }
item   := "+" entry               add a field, `owner`, `unique(a, b)` or `index(a, b)`
        | "-" name                remove a field, or `owner`
        | "-unique(" name { "," name } ")"                the same for `index`
        | name ":" definition     redefine one as a whole
        | name ":enum(" { "+" value | "-" value } ")"     add and remove values; `?` and the default stay
        | name "->" name [ ":" definition ]               rename one, and redefine it if a definition follows
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from toolkit.resources.change.draft import Draft
from toolkit.resources.line.errors import ResourceErrors, nearest, quote
from toolkit.resources.line.parser import parse
from toolkit.resources.line.syntax import RawResource, Reader


class UnknownResourceError(ValueError):
    """No line has the name; the message has those that exist."""


@dataclass(frozen=True)
class Edited:
    """The line after a change, all lines with it, and the new name of each renamed column."""

    line: str
    lines: tuple[str, ...]
    renamed: Mapping[str, str]


def edit(lines: Sequence[str], name: str, change: str) -> Edited:
    """Apply a change to the line of a resource. Raises UnknownResourceError, or ResourceErrors with every fault."""
    index, raw = find(lines, name)
    draft = Draft(raw, change)
    draft.apply_all()
    if draft.faults:
        raise ResourceErrors(change, draft.faults, "change")
    before = "".join(f"{line};\n" for line in lines[:index])
    candidate = draft.line()
    after = "".join(f";\n{line}" for line in lines[index + 1 :])
    try:
        parsed = parse(before + candidate + after)
    except ResourceErrors as errors:
        raise ResourceErrors(change, draft.mapped(errors.faults, len(before), len(candidate)), "change") from None
    line = next(resource.line for resource in parsed if resource.name == name)
    return Edited(line, (*lines[:index], line, *lines[index + 1 :]), draft.renamed_columns())


def find(lines: Sequence[str], name: str) -> tuple[int, RawResource]:
    """Return the place and the words of a resource's line. Raises UnknownResourceError."""
    written = [(index, raw) for index, line in enumerate(lines) for raw in Reader(line).resources()]
    for index, raw in written:
        if raw.name.text == name:
            return index, raw
    known = [raw.name.text for _, raw in written]
    raise UnknownResourceError(f"unknown resource {quote(name)}{nearest(name, known)} Resources: {', '.join(known)}")
