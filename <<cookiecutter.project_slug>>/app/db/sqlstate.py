"""Mapping of PostgreSQL errors to responses: one table, by SQLSTATE.

Pure: `describe` reads an exception of asyncpg or of SQLAlchemy into a `Fault`, `classify` turns that into a problem.
Constraint names follow `app/db/base.py`: uq_<table>_<columns>, fk_<table>_<column>_<table>, ck_<table>_<name>.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.core.exceptions import Conflict, Problem, Unavailable, Unprocessable
from app.db.base import Base, owner_of
from app.db.rules import columns_in, key_columns, rule_of

# `Key (name)=(x) already exists.`: the columns are in parentheses in every language of the server.
_KEY = re.compile(r"\((.+?)\)=\(")
_DATABASE_DOWN = "The database is unavailable. Retry in a moment."
_TOO_SLOW = "The database exceeded its time limit. Retry in a moment."
_CONTENTION = "The request conflicted with others on the same data. Retry."


@dataclass(frozen=True)
class Fault:
    """Details of a database error. `sqlstate` is empty for an error of the driver itself."""

    sqlstate: str
    constraint: str | None = None
    table: str | None = None
    column: str | None = None
    detail: str | None = None


def describe(error: BaseException) -> Fault | None:
    """Return the PostgreSQL error inside `error`, which may be SQLAlchemy's wrapper; None when there is none."""
    seen: BaseException | None = error
    for _ in range(4):
        if seen is None:
            return None
        sqlstate = getattr(seen, "sqlstate", None)
        if isinstance(sqlstate, str) and hasattr(seen, "constraint_name"):
            source: Any = seen
            return Fault(sqlstate, source.constraint_name, source.table_name, source.column_name, source.detail)
        seen = getattr(seen, "orig", None) or seen.__cause__
    return None


def classify(fault: Fault, *, deleting: bool = False) -> Problem | None:
    """Return the response for a client; None for an error of this service (a 500).

    `deleting` distinguishes the two directions of a foreign key, which have the same SQLSTATE.
    """
    constraint = _CONSTRAINTS.get(fault.sqlstate)
    if constraint is not None:
        return constraint(fault, deleting)
    for length in (5, 3, 2):
        answer = _ANSWERS.get(fault.sqlstate[:length])
        if answer is not None:
            kind, code, detail = answer
            return kind(detail, code=code)
    return None


def _unique(fault: Fault, _deleting: bool) -> Problem:
    columns = [column for column in _columns(fault, "uq") if not _is_owner(fault, column)]
    values = f"this {_list(columns)}" if columns else "these values"
    detail = f"A resource with {values} already exists."
    used = "is already in use" if len(columns) < 2 else "is already in use with these values of the others"
    errors = [{"pointer": f"#/{column}", "code": "not_unique", "detail": used} for column in columns]
    return Conflict(detail, code="not_unique", errors=errors)


def _is_owner(fault: Fault, column: str) -> bool:
    """Return True for the owner of the row, whom no client sends: values are unique among the rows of one owner."""
    table = Base.metadata.tables.get(fault.table or "")
    owner = None if table is None else owner_of(table)
    return owner is not None and owner.name == column


def _foreign_key(fault: Fault, deleting: bool) -> Problem:
    if deleting or fault.sqlstate == "23001":
        by = f" by {fault.table}" if fault.table else ""
        return Conflict(f"This resource is still referenced{by}; delete those first.", code="still_referenced")
    columns = _columns(fault, "fk")
    code, detail = "reference_missing", "A referenced resource does not exist."
    if columns:
        detail = f"{_list(columns)} refers to a resource that does not exist."
    errors = [{"pointer": f"#/{column}", "code": code, "detail": "does not exist"} for column in columns]
    return Conflict(detail, code=code, errors=errors)


def _not_null(fault: Fault, _deleting: bool) -> Problem:
    if not fault.column:
        return Unprocessable("A required value is missing.", code="missing")
    errors = [{"pointer": f"#/{fault.column}", "code": "missing", "detail": "must not be null"}]
    return Unprocessable(f"`{fault.column}` is required.", code="missing", errors=errors)


def _check(fault: Fault, _deleting: bool) -> Problem:
    constraint, table = fault.constraint or "", fault.table or ""
    rule = rule_of(table, constraint)
    if rule is None:
        name = constraint.removeprefix(f"ck_{table}_")
        return Unprocessable(f"A value violates the rule `{name or 'of its column'}`.", code="check_failed")
    detail = f"must be {rule.text}"
    errors = [{"pointer": f"#/{field}", "code": "check_failed", "detail": detail} for field in rule.fields]
    return Unprocessable(f"{_list(rule.fields) or 'The resource'} {detail}.", code="check_failed", errors=errors)


def _list(columns: Sequence[str]) -> str:
    quoted = [f"`{column}`" for column in columns]
    return " and ".join([", ".join(quoted[:-1]), *quoted[-1:]] if len(quoted) > 2 else quoted)


def _columns(fault: Fault, prefix: str) -> Sequence[str]:
    """Return the columns of a violated key: from the detail, which may hold expressions, else by the name."""
    found = _KEY.search(fault.detail or "")
    table = Base.metadata.tables.get(fault.table or "")
    if found:
        named = columns_in(table, found[1]) if table is not None else ()
        return named or [column.strip(' "') for column in found[1].split(",")]
    # PostgreSQL leaves the detail out where row security hides the values.
    name = fault.constraint or ""
    if table is not None and (keys := key_columns(table, name)):
        return keys
    rest = name.removeprefix(f"{prefix}_{fault.table}_")
    return [] if rest == name or prefix == "fk" else [rest]


_CONSTRAINTS = {"23505": _unique, "23P01": _unique, "23503": _foreign_key, "23001": _foreign_key}
_CONSTRAINTS |= {"23502": _not_null, "23514": _check}

# Five characters are one SQLSTATE, fewer a whole class (PostgreSQL, appendix A). Class 22 is data that does not fit;
# any other (42, syntax; XX, internal; 22012, division by zero) is not the client's fault and stays a 500.
_ANSWERS: dict[str, tuple[type[Problem], str, str]] = {
    "": (Unprocessable, "value_out_of_range", "A value is out of range."),
    "22003": (Unprocessable, "value_out_of_range", "A number is out of range."),
    "22001": (Unprocessable, "value_too_long", "A text is too long."),
    "22007": (Unprocessable, "value_malformed", "A date or time is malformed."),
    "22008": (Unprocessable, "value_out_of_range", "A date or time is out of range."),
    "22009": (Unprocessable, "value_out_of_range", "A time zone is out of range."),
    "22P02": (Unprocessable, "value_malformed", "A value is malformed."),
    "22021": (
        Unprocessable,
        "character_not_allowed",
        "A text contains a character that cannot be stored, such as NUL.",
    ),
    "22P05": (
        Unprocessable,
        "character_not_allowed",
        "A text contains a character that cannot be stored, such as NUL.",
    ),
    "22030": (Unprocessable, "value_malformed", "An object has a duplicate member."),
    "22032": (Unprocessable, "value_malformed", "A value is not valid JSON."),
    "57014": (Unavailable, "database_timeout", _TOO_SLOW),
    "55P03": (Unavailable, "database_timeout", _TOO_SLOW),
    "25P03": (Unavailable, "database_timeout", _TOO_SLOW),
    "40001": (Unavailable, "contention", _CONTENTION),
    "40P01": (Unavailable, "contention", _CONTENTION),
    "25006": (Unavailable, "database_unavailable", "The database is read-only at the moment. Retry in a moment."),
    "08": (Unavailable, "database_unavailable", _DATABASE_DOWN),
    "28": (Unavailable, "database_unavailable", _DATABASE_DOWN),
    "3D": (Unavailable, "database_unavailable", _DATABASE_DOWN),
    "53": (Unavailable, "database_unavailable", "The database has no capacity left. Retry in a moment."),
    "57P": (Unavailable, "database_unavailable", _DATABASE_DOWN),
}
