"""Conversion of dates and moments to PostgreSQL and back, for every value it can hold.

asyncpg converts Python's first and last day (or moment) to minus and plus infinity: 9999-12-31 would be stored as
`infinity`, and no filter would find it again. As text it is stored correctly. When reading, asyncpg raises for a value
outside the years 1 to 9999, so such a value is shown as the nearest day that Python has.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Text, case, cast, literal_column, types
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.schema import Column

# Values that `shown` returns for those out of range: a row with one of these may hold another value.
FIRST_DAY, LAST_DAY = dt.date.min, dt.date.max
FIRST_MOMENT, LAST_MOMENT = dt.datetime.min.replace(tzinfo=dt.UTC), dt.datetime.max.replace(tzinfo=dt.UTC)
BOUNDS = frozenset({FIRST_DAY, LAST_DAY, FIRST_MOMENT, LAST_MOMENT})


def _as_text(value: dt.date | str | None) -> str | None:
    """Return ISO 8601; a string is PostgreSQL's own form of a value that Python does not have."""
    return value.isoformat() if isinstance(value, dt.date) else value


class _Exact:
    render_bind_cast = False

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return _as_text

    def bind_expression(self, bindvalue: BindParameter[Any]) -> ColumnElement[Any]:
        return cast(cast(bindvalue, Text), self)  # type: ignore[arg-type]


class ExactDate(_Exact, asyncpg_dialect.AsyncpgDate): ...


class ExactDateTime(_Exact, asyncpg_dialect.AsyncpgDateTime): ...


def send_exactly(dialect: Dialect) -> None:
    """Make `dialect` send dates and moments as text. It must not have compiled anything yet."""
    own: Any = dialect
    own.colspecs = {**own.colspecs, types.Date: ExactDate, types.DateTime: ExactDateTime}


def shown(column: Column[Any]) -> ColumnElement[Any]:
    """Return the column for a SELECT or RETURNING: years 1 to 9999. To sort and compare, use the column itself."""
    if isinstance(column.type, types.Date):
        first, last = (literal_column(f"DATE '{day}'", column.type) for day in (FIRST_DAY, LAST_DAY))
    elif isinstance(column.type, types.DateTime) and column.type.timezone:
        moments = (FIRST_MOMENT, LAST_MOMENT)
        first, last = (literal_column(f"TIMESTAMPTZ '{moment.isoformat()}'", column.type) for moment in moments)
    else:
        return column
    return case((column < first, first), (column > last, last), else_=column).label(column.name)


def as_stored(column: Column[Any]) -> ColumnElement[Any]:
    """Return the column as PostgreSQL's text where Python may have no value for it; `_Exact` accepts that text."""
    return cast(column, Text).label(column.name) if isinstance(column.type, types.Date | types.DateTime) else column
