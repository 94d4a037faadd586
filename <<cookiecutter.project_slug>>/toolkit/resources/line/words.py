"""Words of a resource line with their places, as the syntax reads them. The parser interprets them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """A piece of the text and its offset."""

    text: str
    offset: int


@dataclass(frozen=True)
class RawField:
    """A field as written. `flags` holds `?` and `!`; `arguments` is None without parentheses."""

    name: Word
    type: Word
    arguments: Word | None
    checks: tuple[tuple[Word, Word], ...]
    flags: tuple[Word, ...]
    default: Word | None
    source: str

    @property
    def target(self) -> str:
        """Return the resource that a reference names; empty for any other field."""
        return self.arguments.text.partition(",")[0].strip() if self.arguments and self.type.text == "ref" else ""


@dataclass(frozen=True)
class RawGroup:
    """`unique(a, b)` or `index(a, b)` as written; `kind` may be any other word."""

    kind: Word
    members: tuple[Word, ...]
    source: str


@dataclass(frozen=True)
class RawOwner:
    """The word `owner` as an entry of its own."""

    word: Word

    @property
    def source(self) -> str:
        return self.word.text


@dataclass(frozen=True)
class RawResource:
    """A resource as written; `plural` is None for the regular one. `owners` has one item for an owned resource."""

    name: Word
    plural: Word | None
    fields: tuple[RawField, ...]
    groups: tuple[RawGroup, ...]
    broken: int
    line: str
    owners: tuple[RawOwner, ...] = ()
