"""A resource's line while a change is applied to it, item by item. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from toolkit.resources.change import enum_values
from toolkit.resources.change.pieces import Column, Group, Piece
from toolkit.resources.line.columns import column_name
from toolkit.resources.line.errors import Fault, nearest, quote
from toolkit.resources.line.names import OWNER
from toolkit.resources.line.syntax import Reader
from toolkit.resources.line.words import RawResource

# Text without white space, but for that in parentheses, in quotes and around an arrow.
_ITEM = re.compile(r'(?:\s*->\s*|\([^()]*\)|"(?:[^"\\\n]|\\.)*"|\S)+')
_RENAME = re.compile(r"(\w+)\s*->\s*([^\s:]*)")
_GROUP = re.compile(r"(\w+)\(([^()]*)\)")
_FORMS = "expected `+field:type`, `-field`, `field:type` or `old->new`"


@dataclass
class Draft:
    """A line being changed: its fields in pieces, each with its place in the change, and the faults so far."""

    raw: RawResource
    change: str
    faults: list[Fault] = field(default_factory=list)
    touched: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.owner = bool(self.raw.owners)
        self.columns = {part.name.text: Column((Piece(part.source),), part) for part in self.raw.fields}
        self.groups = [
            Group(group.kind.text, tuple(member.text for member in group.members)) for group in self.raw.groups
        ]

    def fault(self, offset: int, name: str, message: str) -> None:
        self.faults.append(Fault(offset + 1, self.raw.name.text, name, message))

    def apply_all(self) -> None:
        """Apply every item of the change; each fault is recorded."""
        for found in _ITEM.finditer(self.change):
            self.apply(found[0], found.start())
        if not self.touched and not self.faults:
            self.fault(0, "", f"no change is given; {_FORMS}")

    def apply(self, item: str, offset: int) -> None:
        """Apply one item; a fault is recorded and changes nothing."""
        if group := _GROUP.fullmatch(item, 1 if item[0] in "+-" else len(item)):
            self._regroup(item[0], group, offset)
        elif item[1:] == OWNER and (item[0] == "+" or (item[0] == "-" and self.owner)):
            self._set_owner(item[0] == "+", offset)
        elif item.startswith("+"):
            self._add(item[1:], offset + 1)
        elif item.startswith("-"):
            self._remove(item[1:], offset + 1)
        elif found := _RENAME.match(item):
            self._rename(found[1], found[2], item[found.end() :], offset, offset + found.start(2))
        elif re.match(r"\w+:", item):
            self._redefine(item, offset)
        else:
            self.fault(offset, "", f"{quote(item)} is not a change; {_FORMS}, without spaces inside")

    def line(self) -> str:
        """Return the line with the changes, not yet validated."""
        return f"{self._head()} {' '.join(''.join(piece.text for piece in pieces) for pieces in self._entries())}"

    def renamed_columns(self) -> dict[str, str]:
        """Return old to new name of each renamed column; a reference's column ends in `_id`."""
        renamed = {}
        for column in self.columns.values():
            if column.was and column.new_name:
                (new,) = next(Reader(f"x: {''.join(piece.text for piece in column.pieces)}").resources()).fields
                renamed[column_name(column.was)] = column_name(new)
        return renamed

    def mapped(self, faults: Iterable[Fault], start: int, length: int) -> list[Fault]:
        """Return faults of the new lines as faults of the change, at the item that caused them as far as is known."""
        return [
            self._mapped(fault, fault.position - 1 - start, within=fault.position - 1 - start <= length)
            for fault in faults
        ]

    def _mapped(self, fault: Fault, at: int, *, within: bool) -> Fault:
        position = len(self._head()) + 1
        for pieces in self._entries() if within else ():
            for piece in pieces:
                if position <= at < position + len(piece.text) and piece.offset is not None:
                    offset = piece.offset + (at - position if piece.exact else 0)
                    return Fault(offset + 1, fault.resource, fault.field, fault.message)
                position += len(piece.text)
            position += 1
        return Fault(1, fault.resource, fault.field, f"the changed line would be invalid: {fault.message}")

    def _head(self) -> str:
        plural = f"/{self.raw.plural.text}" if self.raw.plural else ""
        return f"{self.raw.name.text}{plural}:"

    def _entries(self) -> list[tuple[Piece, ...]]:
        owner = [(Piece(OWNER, self.touched.get(f"+{OWNER}")),)] if self.owner else []
        return [
            *owner,
            *(column.pieces for column in self.columns.values()),
            *((group.piece,) for group in self.groups),
        ]

    def _set_owner(self, owner: bool, offset: int) -> None:
        if owner and self.owner:
            self.fault(offset, OWNER, f"{quote(self.raw.name.text)} already has `owner`; remove this")
        elif self._touch(f"+{OWNER}", offset):  # a field of that name is another thing
            self.owner = owner

    def _regroup(self, sign: str, found: re.Match[str], offset: int) -> None:
        """Add or remove a `unique(a, b)` or `index(a, b)`; the order of its fields counts."""
        self.touched.setdefault(found[0], offset)
        members = tuple(member.strip() for member in found[2].split(","))
        if sign == "+":
            self.groups.append(Group(found[1], members, offset + 1))
            return
        kept = [group for group in self.groups if (group.kind, group.members) != (found[1], members)]
        if kept == self.groups:
            known = [quote(group.piece.text) for group in self.groups]
            way = f"it has {', '.join(known)}" if known else "it has no `unique(a, b)` and no `index(a, b)`"
            self.fault(offset + 1, "", f"{quote(self.raw.name.text)} has no {quote(found[0])}; {way}")
        self.groups = kept

    def _add(self, text: str, offset: int) -> None:
        name = text.partition(":")[0]
        if self._is_free(name, offset):
            self.columns[name] = Column((Piece(text, offset, exact=True),))

    def _remove(self, name: str, offset: int) -> None:
        if (key := self._known(name, offset)) and self._touch(key, offset):
            del self.columns[key]

    def _redefine(self, item: str, offset: int) -> None:
        name = item.partition(":")[0]
        hint = f"; to add it, write {quote(f'+{item}')}"
        if not (key := self._known(name, offset, hint)) or not self._touch(key, offset):
            return
        if enum_values.EXTENSION.fullmatch(item):
            self._extend(key, key, item, offset, offset)
        else:
            head = Piece(key, offset)
            rest = item.partition(":")[2]
            self.columns[key].pieces = (head, Piece(f":{rest}", offset + len(name), exact=True))

    def _rename(self, name: str, new: str, rest: str, offset: int, at: int) -> None:
        key = self._known(name, offset)
        if not key or not self._touch(key, offset) or not self._is_free(new, at):
            return
        column = self.columns[key]
        column.new_name = new
        assert column.was  # noqa: S101 - a new field is never renamed
        olds = (key, column_name(column.was))
        self.groups = [
            replace(group, members=tuple(new if member in olds else member for member in group.members))
            for group in self.groups
        ]
        self.columns = {new if other == key else other: kept for other, kept in self.columns.items()}
        old_rest = column.pieces[0].text.partition(":")[2]
        if not rest:
            column.pieces = (Piece(new, at, exact=True), Piece(f":{old_rest}", at))
        elif enum_values.EXTENSION.fullmatch(new + rest):
            self._extend(new, name, new + rest, at, at)
        else:
            column.pieces = (Piece(new + rest, at, exact=True),)

    def _extend(self, key: str, was: str, item: str, offset: int, at: int) -> None:
        column = self.columns[key]
        assert column.was  # noqa: S101 - a new field has been refused
        if text := enum_values.extended(column.was.source.partition(":")[2], was, item, offset, self.fault):
            column.pieces = (Piece(key, at), Piece(f":{text}", at))

    def _known(self, name: str, offset: int, hint: str = "") -> str:
        """Return the written name of a field, which may be given as its column; records a fault without one."""
        for key, column in self.columns.items():
            if column.was and name in (column.was.name.text, column_name(column.was)):
                return key
        if name in self.touched:
            self._touch(name, offset)
            return ""
        names = [column_name(part) for part in self.raw.fields]
        near = nearest(name, names)
        way = f"{hint}." if near == "." else near
        message = f"{quote(self.raw.name.text)} has no field {quote(name)}{way} Fields: {', '.join(names)}"
        self.fault(offset, name, message)
        return ""

    def _is_free(self, name: str, offset: int) -> bool:
        if name in self.touched:
            return self._touch(name, offset)
        if name in self.columns:
            way = f"to redefine it, write {quote(f'{name}:type')}"
            self.fault(offset, name, f"{quote(self.raw.name.text)} already has a field {quote(name)}; {way}")
            return False
        return self._touch(name, offset)

    def _touch(self, name: str, offset: int) -> bool:
        if name in self.touched:
            self.fault(offset, name, f"{quote(name)} is changed twice; write one change for each field")
            return False
        self.touched[name] = offset
        return True
