r"""The syntax of a resource line: from text to words with places. The parser interprets the words.

    resources := resource { ";" resource } [ ";" ]
    resource  := name [ "/" plural ] ":" entry { " " entry }
    entry     := field | "owner" | ( "unique" | "index" ) "(" name { "," name } ")"
    field     := name ":" type [ "(" arguments ")" ] { check | "?" | "!" } [ "=" default ]
    default   := text up to white space or ";" | '"' text with \" and \\ '"'

Checks, `?` and `!` come in any order, the default last. White space may be repeated and include line breaks.
"""

import re
from collections.abc import Iterator

from toolkit.resources.line.errors import Fault, quote
from toolkit.resources.line.names import OWNER
from toolkit.resources.line.words import RawField, RawGroup, RawOwner, RawResource, Word

__all__ = ["RawField", "RawResource", "Reader", "Word"]

_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[^\s:;]*")
_TYPE = re.compile(r"\w*")
_ARGUMENTS = re.compile(r"\(([^;:=()]*)\)")
_GROUP = re.compile(r"([^\s:;()=\"]+)\s*\(([^;:=()]*)\)")
_OPEN_GROUP = re.compile(r"(?:unique|index)\s*\(")
_CHECK = re.compile(r"(>=|<=|>|<)([^\s;<>=?!]*)")
_QUOTED = re.compile(r'"((?:[^"\\\n]|\\["\\])*)"')
_BARE = re.compile(r'[^\s;"]+')
_END = re.compile(r"[\s;]|\Z")


class _BrokenError(Exception):
    """An unreadable field: the place and the message of its fault."""

    def __init__(self, offset: int, message: str) -> None:
        super().__init__(message)
        self.offset, self.message = offset, message


class Reader:
    """Reads a whole text once; syntax faults are collected in `faults` and reading continues."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.faults: list[Fault] = []

    def resources(self) -> Iterator[RawResource]:
        """Return every resource with a readable name."""
        self._take(_SPACE)
        if self.at == len(self.text):
            self._fault(0, "", "", "no resource is given; expected one such as `product: name:str(1..100)`")
        while self.at < len(self.text):
            found = self._resource()
            if found:
                yield found
            self.at += 1  # the ";"
            self._take(_SPACE)

    def _resource(self) -> RawResource | None:
        start = self.at
        given = self._word(_WORD)
        self._take(_SPACE)
        if self._next() != ":":
            message = f"expected `:` after the resource's name {quote(given.text)}, as in `product: name:str`"
            if not given.text:
                message = "expected a resource before this character, such as `product: name:str`"
            self._fault(given.offset, given.text, "", message)
            self._skip(re.compile(r";|\Z"))
            return None
        self.at += 1
        name, slash, plural = given.text.partition("/")
        entries: list[RawField | RawGroup | RawOwner] = []
        broken = 0
        while self._take(_SPACE) is not None and self._next() not in ("", ";"):
            field = Word("", self.at)
            try:
                group = self._group(name)
                field = field if group else self._word(_WORD)
                entries.append(group or self._owner(field) or self._field(name, field))
            except _BrokenError as broke:
                broken += 1
                self._fault(broke.offset, name, field.text, broke.message)
                self._skip(_END)
        line = f"{given.text}: {' '.join(entry.source for entry in entries)}"
        word = Word(plural, start + len(name) + 1) if slash else None
        fields = tuple(entry for entry in entries if isinstance(entry, RawField))
        groups = tuple(entry for entry in entries if isinstance(entry, RawGroup))
        owners = tuple(entry for entry in entries if isinstance(entry, RawOwner))
        return RawResource(Word(name, start), word, fields, groups, broken, line, owners)

    def _owner(self, word: Word) -> RawOwner | None:
        """Return the entry `owner`; None at a field of that name, which has `:` after it."""
        return RawOwner(word) if word.text == OWNER and self._next() != ":" else None

    def _group(self, resource: str) -> RawGroup | None:
        """Return the group at this place; None at a field, which has `:` after its name."""
        found = _GROUP.match(self.text, self.at)
        if not found:
            if opened := _OPEN_GROUP.match(self.text, self.at):
                self.at = opened.end()
                raise _BrokenError(opened.end() - 1, "this `(` is not closed; expected for example `unique(a, b)`")
            return None
        self.at = found.end()
        kind, members = Word(found[1], found.start(1)), tuple(_members(Word(found[2], found.start(2))))
        if not _END.match(self.text, self.at):
            message = f"found {quote(self.text[self.at])} after {quote(found[0])}; separate entries with spaces only"
            self._fault(self.at, resource, kind.text, message)
            self._skip(_END)
        return RawGroup(kind, members, f"{kind.text}({','.join(member.text for member in members)})")

    def _field(self, resource: str, name: Word) -> RawField:
        if self._next() != ":":
            raise _BrokenError(
                name.offset, f"the field {quote(name.text)} has no type; expected `name:type`, as in `name:str`"
            )
        self.at += 1
        self._take(_SPACE)
        type_ = self._word(_TYPE)
        if not type_.text or self._next() == ":":
            # In `name: price:int` the second is a separate field, and is read as one.
            self.at = type_.offset - 1 if self.text[type_.offset - 1] != ":" else self.at
            raise _BrokenError(
                name.offset, f"the field {quote(name.text)} has no type; expected `name:type`, as in `name:str`"
            )
        arguments = self._arguments()
        checks, flags = [], []
        while sign := self._next():
            if sign in "?!":
                flags.append(Word(sign, self.at))
                self.at += 1
            elif sign in "<>":
                checks.append(self._check())
            else:
                break
        default = self._default() if sign == "=" else None
        if not _END.match(self.text, self.at):
            self._fault(self.at, resource, name.text, self._surplus(name.text, default))
            self._skip(_END)
        end = default.offset if default else self.at
        source = "".join(self.text[name.offset : end].split()) + self.text[end : self.at]
        return RawField(name, type_, arguments, tuple(checks), tuple(flags), default, source)

    def _surplus(self, name: str, default: Word | None) -> str:
        found = quote(self.text[self.at])
        if found == "`,`":
            return "found `,`; separate fields with spaces only"
        if default is not None:
            return f"found {found} after the default of {quote(name)}; a text with spaces needs quotes"
        return f"found {found} in the field {quote(name)}; after the type come checks (`>=0`), `?`, `!` and `=default`"

    def _arguments(self) -> Word | None:
        if self._next() != "(":
            return None
        found = _ARGUMENTS.match(self.text, self.at)
        if not found:
            offset, self.at = self.at, self.at + 1
            raise _BrokenError(offset, "this `(` is not closed; expected for example `(1..100)`, `(10,2)` or `(a|b|c)`")
        self.at = found.end()
        return Word(found[1], found.start(1))

    def _check(self) -> tuple[Word, Word]:
        found = _CHECK.match(self.text, self.at)
        assert found  # noqa: S101 - the caller has seen `<` or `>`
        self.at = found.end()
        return Word(found[1], found.start(1)), Word(found[2], found.start(2))

    def _default(self) -> Word:
        offset = self.at
        self.at += 1
        if self._next() == '"':
            found = _QUOTED.match(self.text, self.at)
            if not found:
                self._skip(re.compile(r"\n|\Z"))
                raise _BrokenError(
                    offset + 1, 'this quote is not closed; expected `"text"`, with `\\"` and `\\\\` inside for " and \\'
                )
            self.at = found.end()
            return Word(re.sub(r"\\(.)", r"\1", found[1]), offset + 1)
        found = _BARE.match(self.text, self.at)
        if not found:
            raise _BrokenError(
                offset, 'the default after `=` is missing; expected for example `=0`, or `=""` for the empty text'
            )
        self.at = found.end()
        return Word(found[0], offset + 1)

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found[0] if found else ""

    def _word(self, pattern: re.Pattern[str]) -> Word:
        offset = self.at
        return Word(self._take(pattern), offset)

    def _skip(self, end: re.Pattern[str]) -> None:
        found = end.search(self.text, self.at)
        self.at = found.start() if found else len(self.text)

    def _fault(self, offset: int, resource: str, field: str, message: str) -> None:
        self.faults.append(Fault(offset + 1, resource, field, message))


def _members(given: Word) -> Iterator[Word]:
    """Yield the names between the commas, each with its place."""
    offset = given.offset
    for part in given.text.split(","):
        yield Word(part.strip(), offset + len(part) - len(part.lstrip()))
        offset += len(part) + 1
