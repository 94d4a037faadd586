"""Random changes of a resource line: two lines, which fields keep their values, and rows for both."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from hypothesis import strategies as st

from tests.toolkit.resources.line.test_parser_properties import (
    FIELD_NAME,
    NAME,
    distinct,
    fields,
    groups,
    line_of,
    number,
    resources,
)
from toolkit.resources.line.errors import ResourceErrors
from toolkit.resources.line.field import INTEGERS, NUMBERS, Field, Names, scaled
from toolkit.resources.line.model import Group, Resource
from toolkit.resources.line.parser import parse
from toolkit.resources.write import generator

ROWS = 8
TARGET_LINE = "target_of_all/targets_of_all: a:int"
TARGET = Names("target_of_all", "targets_of_all")
FATES = ("kept", "kept", "redefined", "redefined", "renamed", "renamed", "renamed, redefined", "replaced", "removed")
MODELS = """
import types

from sqlalchemy.orm import DeclarativeBase

import app.db.base


class Base(DeclarativeBase):
    metadata = sa.MetaData(naming_convention=NAMING_CONVENTION)


base = types.SimpleNamespace(Base=Base, ResourceColumns=app.db.base.ResourceColumns)
metadata = Base.metadata
"""


@dataclass(frozen=True)
class Pair:
    """A line before and after a change; `renamed` has the old and new name of each renamed column.

    `fits`: rows written before have values that the line after it allows too, where there are any.
    """

    old: Resource
    new: Resource
    renamed: tuple[tuple[str, str], ...]
    fits: bool = True

    def __repr__(self) -> str:
        """Return the call that makes the pair again, as a case of a table."""
        return f"pair({line_of(self.old)!r}, {line_of(self.new)!r}, {dict(self.renamed)!r}, fits={self.fits})"

    def source(self, new: Field) -> Field | None:
        """Return the old field whose values a new one has; None for an added one."""
        names = {after: before for before, after in self.renamed}
        return next((part for part in self.old.columns if part.name == names.get(new.name, new.name)), None)

    def value(self, old: Field, n: int) -> str:
        """Return the value of a row written before the change."""
        alike = ({"uuid", "ref"}, {old.type})
        targets = [new for new in self.new.columns if self.source(new) == old and {new.type, old.type} in alike]
        if self.fits and targets and legal(old, value(targets[0], n)):
            return value(targets[0], n)
        return value(old, n)

    def with_new_name(self, column: str) -> "Pair | None":
        """Return the pair in which a redefined field has another name too; None if no line may have it."""
        field = next((part for part in self.new.fields if part.name == column), None)
        if field is None:
            return None  # the owner's column
        name = f"{column}_new_id" if field.ref else f"{column}_new"
        new = Resource(
            self.new.name,
            self.new.plural,
            tuple(replace(part, name=name) if part == field else part for part in self.new.fields),
            groups=tuple(
                Group(tuple(name if member == column else member for member in group.fields), group.unique)
                for group in self.new.groups
            ),
            owner=self.new.owner,
        )
        return Pair(self.old, new, (*self.renamed, (column, name)), self.fits) if is_legal(new) else None


def pair(old: str, new: str, renamed: dict[str, str], *, fits: bool = True) -> Pair:
    """Return the pair of two lines as texts."""
    (_, before), (_, after) = (parse(f"{TARGET_LINE};\n{line}") for line in (old, new))
    return Pair(before, after, tuple(renamed.items()), fits)


def is_legal(resource: Resource) -> bool:
    """Return True if the line can be written."""
    if not resource.fields or not distinct(resource):
        return False
    try:
        parse(f"{TARGET_LINE};\n{line_of(resource)}")
    except ResourceErrors:
        return False
    return True


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """Draw a line and another one made of it; one of ten also renames the resource."""
    old = draw(resources().filter(is_legal))
    taken = {part.name for part in old.fields}
    spare = st.lists(FIELD_NAME.filter(lambda name: name not in taken), min_size=8, max_size=8, unique=True)
    names = iter(draw(spare))
    changed: list[Field] = []
    renamed: list[tuple[str, str]] = []
    for part in old.fields:
        fate = draw(st.sampled_from(FATES))
        name = next(names) if "renamed" in fate else part.name
        if fate in ("kept", "renamed"):
            after = replace(part, name=f"{name}_id" if part.ref and not name.endswith("_id") else name)
        elif fate == "removed":
            continue
        else:
            after = draw(fields(name, TARGET, (part.type,) if fate == "redefined" else ()))
        changed.append(after)
        if "renamed" in fate:
            renamed.append((part.name, after.name))
    changed += [draw(fields(next(names), TARGET)) for _ in range(draw(st.integers(0 if changed else 1, 2)))]
    name, plural = (draw(NAME), draw(NAME)) if draw(st.integers(0, 9)) == 9 else (old.name, old.plural)
    plural = old.plural if name == old.name else plural
    columns = {part.name: part for part in changed}
    kept = tuple(group for group in old.groups if all(member in columns for member in group.fields))
    new = Resource(name, plural, tuple(changed), owner=old.owner != (draw(st.integers(0, 4)) == 4))
    together = kept if draw(st.booleans()) else draw(groups(new))
    return Pair(old, replace(new, groups=together), tuple(renamed), draw(st.booleans()))


PAIRS = pairs().filter(lambda pair: pair.old != pair.new and is_legal(pair.new))


def models(resource: Resource) -> str:
    """Return the source of the models that the generator makes, with a base of their own."""
    parsed = parse(f"{TARGET_LINE};\n{line_of(resource)}")
    rendered = generator.render(parsed, {"answers": {"auth": "none"}, "service": {}})
    texts = [text.replace("from app.db import base\n", "") for path, text in rendered if path.startswith("app/models/")]
    return MODELS + "\n".join(sorted(texts, key=lambda text: "TargetOfAll(base" not in text))


def key(n: int) -> str:
    """Return the id of row `n`, of the resource and of the one that it refers to."""
    return str(uuid.UUID(int=n + 1))


def value(field: Field, n: int) -> str:
    """Return a legal value as text: another one for each row where the field has enough, from both ends of its span."""
    if field.type in NUMBERS:
        return _number(field, n)
    if field.type == "str":
        low, high = max(1, field.min_length), field.max_length or 255
        return "abcdefgh"[n] * (low if n % 2 else high)
    return {
        "text": f"it's {n}: \\ 100 % :n",
        "bool": "true" if n % 2 else "false",
        "date": f"2020-01-0{n + 1}",
        "datetime": f"2020-01-01T00:00:0{n}Z",
        "uuid": str(uuid.UUID(int=2**64 + n)),
        "json": json.dumps({"n:n": n}),
        "enum": field.values[n % len(field.values)] if field.values else "",
        "ref": key(n),
    }[field.type]


def _number(field: Field, n: int) -> str:
    if field.span:
        low, high = field.span
        step = n // 2 % (high - low + 1)
        return number(field.type, high - step if n % 2 else low + step, field.scale or 0)
    low_check, high_check = field.lower, field.upper
    if low_check and high_check:
        least, most = Decimal(low_check.number), Decimal(high_check.number)
        return str(least + (most - least) * (n + 1) / 10)
    if low_check:
        return str(Decimal(low_check.number) + n + 1)
    return str(Decimal(high_check.number if high_check else "0.25") - n - 1)


def legal(field: Field, text: str) -> bool:
    """Return True if the line allows a value of its type."""
    if field.type == "str":
        return field.min_length <= len(text) <= (field.max_length or 255)
    if field.type == "enum":
        return text in field.values
    if field.type == "ref":
        return text in map(key, range(ROWS))
    if field.type == "decimal" and len(text.partition(".")[2]) > (field.scale or 0):
        return False
    if field.type in INTEGERS or field.type == "decimal":
        low, high = field.span or (0, 0)
        return low <= scaled(text, field.scale or 0) <= high
    return field.type != "float" or all(_within(Decimal(text), check.operator, check.number) for check in field.checks)


def _within(given: Decimal, operator: str, bound: str) -> bool:
    limit = Decimal(bound)
    return {">": given > limit, ">=": given >= limit, "<": given < limit, "<=": given <= limit}[operator]


def uniques(resource: Resource) -> Iterator[tuple[str, ...]]:
    """Yield the columns that are unique, alone and together."""
    yield from ((part.name,) for part in resource.fields if part.unique)
    yield from (group.fields for group in resource.uniques)


def literal(text: str | None) -> str:
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"


def insert(resource: Resource, n: int, values: dict[str, str | None]) -> str:
    """Return the statement of the code of a resource that writes row `n`; a column without a value is left out."""
    names = ", ".join(f'"{name}"' for name in ("id", *values))
    given = ", ".join(map(literal, (key(n), *values.values())))
    return f'INSERT INTO "{resource.table}" ({names}) VALUES ({given})'


SQL_TYPES = {
    **{"str": "text", "text": "text", "enum": "text", "int": "integer", "bigint": "bigint", "decimal": "numeric"},
    **{"float": "double precision", "bool": "boolean", "date": "date", "datetime": "timestamptz", "uuid": "uuid"},
    **{"json": "jsonb", "ref": "uuid"},
}


def by_row(field: Field, key_column: str = "id") -> str:
    """Return SQL for the legal values of a field, one for each row."""
    cases = " ".join(f"WHEN '{key(n)}' THEN {literal(value(field, n))}" for n in range(ROWS))
    return f"(CASE {key_column}::text {cases} END)::{SQL_TYPES[field.type]}"


def same_type(one: Field, other: Field) -> bool:
    """Return True if both are the same type for PostgreSQL."""
    return all(
        getattr(one, name) == getattr(other, name) for name in ("type", "max_length", "precision", "scale")
    ) and (max(map(len, one.values), default=0) == max(map(len, other.values), default=0))
