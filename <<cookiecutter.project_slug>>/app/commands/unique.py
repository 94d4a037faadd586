"""Values for unique columns that no other row has, not even one of an earlier run."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from collections.abc import Iterator, Mapping
from decimal import Decimal, localcontext
from typing import Any

from sqlalchemy import Column

from app.schemas.base import NO_NUL

DAYS = 2_900_000  # from 2000 to the year 9939, which PostgreSQL and Python both support
DIGITS = 12


def another(example: Any, schema: Mapping[str, Any], column: Column[Any]) -> Any:
    """Return a random value of the schema; the example itself for a schema with its own form."""
    bounds = {key: value for part in _parts(schema) for key, value in part.items() if key in _BOUNDS}
    low, high = bounds.get("minimum"), bounds.get("maximum")
    kinds = {part.get("type") for part in _parts(schema)}
    if "integer" in kinds:
        low = int(low) if low is not None else 0
        return low + secrets.randbelow((int(high) if high is not None else low + 10**9) - low + 1)
    scale = getattr(column.type, "scale", None)
    if isinstance(example, str) and scale is not None:
        return _decimal(Decimal(example), Decimal(1).scaleb(-scale), high)
    if "number" in kinds:
        low = low if low is not None else example
        return low + ((high if high is not None else low + 1000) - low) * (secrets.randbelow(9971) + 1) / 9973
    return _text(example, schema) if "string" in kinds else example


_BOUNDS = ("minimum", "maximum")


def _parts(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    yield from schema.get("anyOf", ())


def _decimal(example: Decimal, step: Decimal, high: Any) -> str:
    """Return a value from the example upwards, if possible."""
    with localcontext(prec=80):  # twice the range of a column
        room = int((Decimal(str(high)) - example) // step) if high is not None else 10**6
        return format(example + step * secrets.randbelow(max(room, 0) + 1), "f")


def _text(example: str, schema: Mapping[str, Any]) -> str:
    kind = schema.get("format")
    if kind == "uuid":
        return str(uuid.uuid4())
    day = dt.datetime(2000, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=secrets.randbelow(DAYS))
    if kind == "date":
        return day.date().isoformat()
    if kind == "date-time":
        return (day + dt.timedelta(seconds=secrets.randbelow(86_400))).isoformat()
    if kind or schema.get("pattern", NO_NUL) != NO_NUL:
        return example
    least, most = schema.get("minLength", 0), schema.get("maxLength", DIGITS)
    length = max(least, min(most, DIGITS))
    return f"{secrets.randbelow(10**length):0{length}d}"
