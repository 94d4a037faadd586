"""Dates and moments on their way to PostgreSQL and back, whatever it holds.

asyncpg takes the first and the last day (or moment) that Python has for minus and plus infinity: 9999-12-31 would be
stored as `infinity`, and no filter would find it again. As text there is no such mistake. On the way back, what lies
outside of the years 1 to 9999 raises for the whole result: it is shown as the nearest day that Python has instead.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Text, case, cast, literal_column, types
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.schema import Column

# What `shown` gives in place of values beyond: a row with one of these may hold another one.
FIRST_DAY, LAST_DAY = dt.date.min, dt.date.max
FIRST_MOMENT, LAST_MOMENT = dt.datetime.min.replace(tzinfo=dt.UTC), dt.datetime.max.replace(tzinfo=dt.UTC)
BOUNDS = frozenset({FIRST_DAY, LAST_DAY, FIRST_MOMENT, LAST_MOMENT})


def _as_text(value: dt.date | str | None) -> str | None:
    """ISO 8601; a string is PostgreSQL's own form, of what Python has no value for."""
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
    """Have `dialect` send dates and moments as text. For a dialect that has compiled nothing yet."""
    own: Any = dialect
    own.colspecs = {**own.colspecs, types.Date: ExactDate, types.DateTime: ExactDateTime}


def shown(column: Column[Any]) -> ColumnElement[Any]:
    """The column for a SELECT or RETURNING: years 1 to 9999. To sort and compare, take the column itself."""
    if isinstance(column.type, types.Date):
        first, last = (literal_column(f"DATE '{day}'", column.type) for day in (FIRST_DAY, LAST_DAY))
    elif isinstance(column.type, types.DateTime) and column.type.timezone:
        moments = (FIRST_MOMENT, LAST_MOMENT)
        first, last = (literal_column(f"TIMESTAMPTZ '{moment.isoformat()}'", column.type) for moment in moments)
    else:
        return column
    return case((column < first, first), (column > last, last), else_=column).label(column.name)


def as_stored(column: Column[Any]) -> ColumnElement[Any]:
    """The column as PostgreSQL writes it where Python may have no value for it; `_Exact` takes that back."""
    return cast(column, Text).label(column.name) if isinstance(column.type, types.Date | types.DateTime) else column
