"""The data model of a resource line: its fields, and what holds for several of them. Standard library only."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from toolkit.resources.line import names
from toolkit.resources.line.field import INDEX_LENGTH, INTEGERS, NUMBERS, TYPES, Check, Field, scaled
from toolkit.resources.line.resource_names import Names

__all__ = [
    "INDEX_LENGTH",
    "INTEGERS",
    "NUMBERS",
    "TYPES",
    "Check",
    "Field",
    "Group",
    "Names",
    "Resource",
    "by_reference",
    "scaled",
]


@dataclass(frozen=True)
class Group:
    """Two or more fields, by column, that are unique together or share an index."""

    fields: tuple[str, ...]
    unique: bool

    def name(self, stem: str) -> str:
        """Return the name of its constraint or index; `stem` is `Resource.index_stem`."""
        return "_".join(("uq" if self.unique else "ix", stem, *self.fields))

    def __str__(self) -> str:
        return f"{'unique' if self.unique else 'index'}({','.join(self.fields)})"


@dataclass(frozen=True)
class Resource(Names):
    """One resource. `line` is its source text with normalised white space; it is not compared.

    `owner`: each row belongs to the caller who created it.
    """

    fields: tuple[Field, ...] = ()
    line: str = field(default="", compare=False)
    groups: tuple[Group, ...] = ()
    owner: bool = False

    @property
    def owner_columns(self) -> tuple[Field, ...]:
        """The column of the owner, which no client writes; empty without `owner`."""
        return (Field(names.OWNER_COLUMN, "str", max_length=names.SUBJECT_LENGTH),) if self.owner else ()

    @property
    def columns(self) -> tuple[Field, ...]:
        """The column of the owner, and those of the fields."""
        return (*self.owner_columns, *self.fields)

    @property
    def index_stem(self) -> str:
        """Beginning of an index's name, by the naming convention of app/db/base.py: table, and the owner's column."""
        return f"{self.table}_{names.OWNER_COLUMN}" if self.owner else self.table

    @property
    def references(self) -> tuple[Field, ...]:
        """The fields that point to a resource."""
        return tuple(part for part in self.fields if part.ref)

    @property
    def required(self) -> tuple[Field, ...]:
        """The fields that a create requires."""
        return tuple(part for part in self.fields if part.required)

    @property
    def uniques(self) -> tuple[Group, ...]:
        """The groups of fields that are unique together."""
        return tuple(group for group in self.groups if group.unique)

    @property
    def varied(self) -> tuple[Field, ...]:
        """The fields that need another value in each row of a test; a reference has one, because its row is new."""
        grouped = {name for group in self.uniques for name in group.fields}
        return tuple(
            part for part in self.fields if part.unique or (part.name in grouped and not part.ref and part.distinct)
        )

    @property
    def digits(self) -> dict[str, int]:
        """The fields of unique groups without a varied field, each with its place value.

        In a test they are the digits of a number that counts rows; the largest field changes with each row.
        """
        found: dict[str, int] = {}
        for group in self.uniques:
            parts = [part for part in self.fields if part.name in group.fields]
            place = 1
            for part in () if any(part.distinct for part in parts) else sorted(parts, key=_descending):
                if part.countable:
                    found[part.name] = place
                    place *= part.capacity
        return found

    def freed(self, group: Group) -> str:
        """Return the field of a unique group that differs in each row of a test."""
        varied = [part.name for part in self.varied] + [name for name, place in self.digits.items() if place == 1]
        references = [part.name for part in self.references]
        return next(name for name in (*varied, *references) if name in group.fields)

    def separable(self, group: Group) -> bool:
        """Return True if a row of a test can repeat the values of a unique group without those of another group."""
        differing = {part.name for part in (*self.varied, *self.references)}
        return all(other is group or (set(other.fields) - set(group.fields)) & differing for other in self.uniques)


def _descending(part: Field) -> int:
    return -part.capacity


def by_reference(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """Return the resources in their order, but each after those that it refers to."""
    waiting = {resource.name: resource for resource in resources}
    done: list[Resource] = []

    def place(resource: Resource) -> None:
        for part in resource.references:
            if part.ref and (target := waiting.pop(part.ref.name, None)):
                place(target)
        done.append(resource)

    while waiting:
        place(waiting.pop(next(iter(waiting))))
    return tuple(done)
