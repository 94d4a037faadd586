"""The parts of a line that is being changed, each with its place in the change. Pure."""

from dataclasses import dataclass

from toolkit.resources.line.words import RawField


@dataclass(frozen=True)
class Piece:
    """A part of the new line. `offset`: its place in the change, if it has one; `exact` if it is the same text."""

    text: str
    offset: int | None = None
    exact: bool = False


@dataclass
class Column:
    """A field of the line being changed: its pieces, and the column that it was, if it is not new."""

    pieces: tuple[Piece, ...]
    was: RawField | None = None
    new_name: str = ""


@dataclass(frozen=True)
class Group:
    """A `unique(a, b)` or `index(a, b)` of the line."""

    kind: str
    members: tuple[str, ...]
    offset: int | None = None

    @property
    def piece(self) -> Piece:
        return Piece(f"{self.kind}({','.join(self.members)})", self.offset)
