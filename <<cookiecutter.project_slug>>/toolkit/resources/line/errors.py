"""Errors in a resource line: all faults at once, each with its place in the text."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

_WIDTH = 100
_QUOTED = 60


@dataclass(frozen=True, order=True)
class Fault:
    """One fault: `position` counts from 1 in the whole text; the message has the given and expected text and a fix."""

    position: int
    resource: str
    field: str
    message: str

    @property
    def subject(self) -> str:
        """Return `product.price`, `product`, or nothing for an earlier fault."""
        return ".".join(clipped(part) for part in (self.resource, self.field) if part)


def quote(text: str) -> str:
    """Return the given text for a message: without control characters and of limited length."""
    return f"`{clipped(text)}`"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean ...?` with the nearest known name, or a full stop."""
    near = next(iter(difflib.get_close_matches(name, list(known), 1)), "")
    return f"; did you mean {quote(near)}?" if near else "."


class ResourceErrors(ValueError):
    """All faults of a text, by place; `str()` shows each under its line. `what` names the text."""

    def __init__(self, text: str, faults: Iterable[Fault], what: str = "resource line") -> None:
        self.text = text
        self.faults = tuple(sorted(faults))
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__("\n\n".join([f"The {what} has {count}:", *self.blocks()]))

    def blocks(self) -> tuple[str, ...]:
        """Return each fault under its line of the text."""
        return tuple(_block(self.text, fault) for fault in self.faults)


def _block(text: str, fault: Fault) -> str:
    """
    product.name, column 15: unknown type `strr`; ...
        product: name:strr
                      ^
    """
    offset = fault.position - 1
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = text[start : len(text) if end < 0 else end]
    column = offset - start
    left = max(0, column - _WIDTH // 2) if len(line) > _WIDTH else 0
    # Replaced one by one, so that the caret keeps its place (and control characters do not reach the terminal).
    shown = _printable(line[left : left + _WIDTH])
    row = text.count("\n", 0, offset) + 1
    place = f"line {row}, column {column + 1}" if "\n" in text.strip() else f"column {fault.position}"
    where = f"{fault.subject}, {place}" if fault.subject else place
    excerpt = f"\n    {shown}\n    {' ' * (column - left)}^" if shown.strip() else ""
    return f"{where}: {fault.message}{excerpt}"


def clipped(text: str) -> str:
    """Return the given text, short enough for a message and without control characters."""
    return _printable(text) if len(text) <= _QUOTED else f"{_printable(text[:_QUOTED])}..."


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
