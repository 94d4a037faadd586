"""Values for unique columns that no other row has, not even one of an earlier run."""

from __future__ import annotations

import datetime as dt
import itertools
import secrets
import uuid
from collections.abc import Iterator, Mapping
from decimal import Decimal, localcontext
from typing import Any

from sqlalchemy import Column

from app.schemas.base import NO_NUL

DAYS = 2_900_000  # from 2000 to the year 9939, which PostgreSQL and Python both support
DIGITS = 12
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
# They count up: a column of one letter has few values, of which random ones would soon be the same.
_numbers = itertools.count(secrets.randbelow(10**DIGITS // 2))


def another(example: Any, schema: Mapping[str, Any], column: Column[Any]) -> Any:
    """Return a new value of the schema; the example itself for a schema with its own form, or a list of values."""
    if "enum" in schema or "const" in schema:
        return example
    number = next(_numbers)
    kinds = {part.get("type") for part in _parts(schema)}
    scale = getattr(column.type, "scale", None)
    if "integer" in kinds:
        low, high = _bounds(schema, Decimal(1))
        least = int(low) if low is not None else 0
        return least + number % ((int(high) if high is not None else least + 10**9) - least + 1)
    if isinstance(example, str) and scale is not None:
        return _decimal(Decimal(example), schema, Decimal(1).scaleb(-scale), number)
    if "number" in kinds:
        low, high = _bounds(schema, Decimal(0))
        start = float(low) if low is not None else example
        return start + ((float(high) if high is not None else start + 1000) - start) * (number % 9971 + 1) / 9973
    return _text(example, schema, number) if "string" in kinds else example


def _parts(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    yield from schema.get("anyOf", ())


def _bounds(schema: Mapping[str, Any], step: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """Return the least and the greatest value; None for a limit that the schema does not set."""
    found = {name: Decimal(str(value)) for part in _parts(schema) for name, value in part.items() if name in _BOUNDS}
    if "exclusiveMinimum" in found:
        found.setdefault("minimum", found["exclusiveMinimum"] + step)
    if "exclusiveMaximum" in found:
        found.setdefault("maximum", found["exclusiveMaximum"] - step)
    return found.get("minimum"), found.get("maximum")


def _decimal(example: Decimal, schema: Mapping[str, Any], step: Decimal, number: int) -> str:
    """Return a value from the example upwards, if possible."""
    with localcontext(prec=80):  # twice the range of a column
        _, high = _bounds(schema, step)
        room = int((high - example) // step) if high is not None else 10**6
        return format(example + step * (number % (max(room, 0) + 1)), "f")


def _text(example: str, schema: Mapping[str, Any], number: int) -> str:
    kind = schema.get("format")
    if kind == "uuid":
        return str(uuid.uuid4())
    day = dt.datetime(2000, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=number % DAYS)
    if kind == "date":
        return day.date().isoformat()
    if kind == "date-time":
        return (day + dt.timedelta(seconds=number % 86_400)).isoformat()
    if kind or schema.get("pattern", NO_NUL) != NO_NUL:
        return example
    least, most = schema.get("minLength", 0), schema.get("maxLength", DIGITS)
    length = max(least, min(most, DIGITS))
    return f"{number:0{length}d}"[-length:]
