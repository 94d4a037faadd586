"""A resource's line while a change is applied to it, item by item. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from toolkit.resources.line.columns import column_name
from toolkit.resources.line.errors import Fault, nearest, quote
from toolkit.resources.line.syntax import Reader
from toolkit.resources.line.words import RawField, RawResource

# Text without white space, but for that in parentheses, in quotes and around an arrow.
_ITEM = re.compile(r'(?:\s*->\s*|\([^()]*\)|"(?:[^"\\\n]|\\.)*"|\S)+')
_RENAME = re.compile(r"(\w+)\s*->\s*([^\s:]*)")
_EXTENSION = re.compile(r"(\w+):enum\(\s*(?=[+-])([^()]*)\)(.*)", re.DOTALL)
_ENUM = re.compile(r"enum\(([^()]*)\)(.*)", re.DOTALL)
_GROUP = re.compile(r"(\w+)\(([^()]*)\)")
_FORMS = "expected `+field:type`, `-field`, `field:type` or `old->new`"


@dataclass(frozen=True)
class _Piece:
    """A part of the new line. `offset`: its place in the change, if it has one; `exact` if it is the same text."""

    text: str
    offset: int | None = None
    exact: bool = False


@dataclass
class _Column:
    """A field of the line being changed: its pieces, and the column that it was, if it is not new."""

    pieces: tuple[_Piece, ...]
    was: RawField | None = None
    new_name: str = ""


@dataclass(frozen=True)
class _Group:
    """A `unique(a, b)` or `index(a, b)` of the line."""

    kind: str
    members: tuple[str, ...]
    offset: int | None = None

    @property
    def piece(self) -> _Piece:
        return _Piece(f"{self.kind}({','.join(self.members)})", self.offset)


@dataclass
class Draft:
    """A line being changed: its fields in pieces, each with its place in the change, and the faults so far."""

    raw: RawResource
    change: str
    faults: list[Fault] = field(default_factory=list)
    touched: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.columns = {part.name.text: _Column((_Piece(part.source),), part) for part in self.raw.fields}
        self.groups = [
            _Group(group.kind.text, tuple(member.text for member in group.members)) for group in self.raw.groups
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

    def _entries(self) -> list[tuple[_Piece, ...]]:
        return [*(column.pieces for column in self.columns.values()), *((group.piece,) for group in self.groups)]

    def _regroup(self, sign: str, found: re.Match[str], offset: int) -> None:
        """Add or remove a `unique(a, b)` or `index(a, b)`; the order of its fields counts."""
        self.touched.setdefault(found[0], offset)
        members = tuple(member.strip() for member in found[2].split(","))
        if sign == "+":
            self.groups.append(_Group(found[1], members, offset + 1))
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
            self.columns[name] = _Column((_Piece(text, offset, exact=True),))

    def _remove(self, name: str, offset: int) -> None:
        if (key := self._known(name, offset)) and self._touch(key, offset):
            del self.columns[key]

    def _redefine(self, item: str, offset: int) -> None:
        name = item.partition(":")[0]
        hint = f"; to add it, write {quote(f'+{item}')}"
        if not (key := self._known(name, offset, hint)) or not self._touch(key, offset):
            return
        if _EXTENSION.fullmatch(item):
            self._extend(key, key, item, offset, offset)
        else:
            head = _Piece(key, offset)
            rest = item.partition(":")[2]
            self.columns[key].pieces = (head, _Piece(f":{rest}", offset + len(name), exact=True))

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
            column.pieces = (_Piece(new, at, exact=True), _Piece(f":{old_rest}", at))
        elif _EXTENSION.fullmatch(new + rest):
            self._extend(new, name, new + rest, at, at)
        else:
            column.pieces = (_Piece(new + rest, at, exact=True),)

    def _extend(self, key: str, was: str, item: str, offset: int, at: int) -> None:
        """Add and remove values of an enum; its other properties stay."""
        found = _EXTENSION.fullmatch(item)
        column = self.columns[key]
        assert found  # noqa: S101 - the callers have matched it
        assert column.was  # noqa: S101 - a new field has been refused
        old = _ENUM.fullmatch(column.was.source.partition(":")[2])
        if not old:
            self.fault(
                offset, was, f"{quote(was)} is not an enum; to make it one, write all of its values: `enum(a|b)`"
            )
            return
        if found[3]:
            message = "`enum(+a -b)` keeps `?` and the default; to change these too, write all values: `enum(a|b)`"
            self.fault(offset + found.start(3), was, f"found {quote(found[3])}, but {message}")
            return
        values = old[1].split("|")
        for word in re.finditer(r"[^\s|,]+", found[2]):
            self._value(values, word[0], was, offset + found.start(2) + word.start())
        column.pieces = (_Piece(key, at), _Piece(f":enum({'|'.join(values)}){old[2]}", at))

    def _value(self, values: list[str], word: str, name: str, offset: int) -> None:
        sign, value = word[0], word[1:]
        if sign == "+" and value not in values:
            values.append(value)
        elif sign == "+":
            self.fault(offset, name, f"{quote(name)} already has the value {quote(value)}; remove it here")
        elif sign == "-" and value in values:
            values.remove(value)
        elif sign == "-":
            message = f"{quote(name)} has no value {quote(value)}{nearest(value, values)} Values: {', '.join(values)}"
            self.fault(offset, name, message)
        else:
            self.fault(
                offset, name, f"{quote(word)} has no sign; expected `+{word}` to add it, or `-{word}` to remove it"
            )

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
