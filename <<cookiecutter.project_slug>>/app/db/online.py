"""Operations for revisions: change a table in use without blocking its readers and writers.

Each commits part of its revision, so each may run again after an interruption: it first drops any leftovers. The rest
of such a revision must be repeatable too (`if_not_exists=True`), as in generated revisions.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from alembic import op
from alembic.operations.ops import CreateForeignKeyOp
from sqlalchemy import text
from sqlalchemy.schema import AddConstraint

SHOWN = 5
KEY = """
    SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
    WHERE indrelid = to_regclass(:name) AND indisprimary ORDER BY array_position(indkey::int2[], attnum)
"""


class RowsBreakRule(Exception):
    """Existing rows break a new rule, which was not created. The message has their number and some of them."""


def create_index_concurrently(
    name: str, table: str, columns: Sequence[Any], *, unique: bool = False, **options: Any
) -> None:
    """Create an index. IF NOT EXISTS would succeed and keep an invalid one of an interrupted attempt."""
    with op.get_context().autocommit_block():
        op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, table, list(columns), unique=unique, postgresql_concurrently=True, **options)


def drop_index_concurrently(name: str, table_name: str, **_: Any) -> None:
    """Drop an index, if it exists. Its options, which Alembic passes, have no effect."""
    with op.get_context().autocommit_block():
        op.drop_index(name, table_name=table_name, if_exists=True, postgresql_concurrently=True)


def create_check(name: str, table: str, condition: str, *, looser: bool = False) -> None:
    """Create or replace a CHECK; existing rows are validated afterwards, without a lock that blocks writes.

    `looser`: it accepts every row that the old one did, so it does not break code that is still running. Raises
    RowsBreakRule: a CHECK that rows break would stay, not valid, and no such row could be updated.
    """
    if not looser:
        refuse_rows(table, f"{name} ({condition})", f"({condition}) IS FALSE")
    op.drop_constraint(name, table, type_="check", if_exists=True)
    # The marker is for the classifier of deploys (toolkit/deploy/breaking_changes.py).
    mark = " /* looser */" if looser else ""
    added = f"ALTER TABLE {quoted(table)} ADD CONSTRAINT {quoted(name)} CHECK ({condition}) NOT VALID{mark}"
    op.execute(without_parameters(added))
    _validate(name, table)


def create_foreign_key(
    name: str,
    source: str,
    referent: str,
    columns: Sequence[str],
    referred: Sequence[str],
    *,
    looser: bool = False,
    **options: Any,
) -> None:
    """Create or replace a foreign key; `looser` as in `create_check`: only what a delete does is different.

    Raises RowsBreakRule.
    """
    if not looser:
        given = " AND ".join(f"{quoted(column)} IS NOT NULL" for column in columns)
        same = " AND ".join(
            f"referred.{quoted(theirs)} = {quoted(source)}.{quoted(ours)}"
            for ours, theirs in zip(columns, referred, strict=True)
        )
        found = f"EXISTS (SELECT FROM {quoted(referent)} AS referred WHERE {same})"
        refuse_rows(source, f"{name} ({', '.join(columns)} refers to {referent})", f"{given} AND NOT {found}")
    op.drop_constraint(name, source, type_="foreignkey", if_exists=True)
    created = CreateForeignKeyOp(name, source, referent, list(columns), list(referred), **options)
    key = AddConstraint(created.to_constraint(op.get_context()))
    mark = " NOT VALID /* looser */" if looser else " NOT VALID"
    op.execute(f"{key.compile(dialect=op.get_context().dialect)}{mark}")
    _validate(name, source)


def create_unique(name: str, table: str, columns: Sequence[str]) -> None:
    """Create a UNIQUE constraint from an index that is created concurrently. Raises RowsBreakRule."""
    _refuse_duplicates(name, table, columns)
    op.drop_constraint(name, table, type_="unique", if_exists=True)
    create_index_concurrently(name, table, columns, unique=True)
    op.execute(f"ALTER TABLE {quoted(table)} ADD CONSTRAINT {quoted(name)} UNIQUE USING INDEX {quoted(name)}")


def widen_column(table: str, column: str, type_: str) -> None:
    """Change a column to a type that holds every old value and is stored the same: the table is not rewritten."""
    op.drop_constraint(op.f(short(f"ck_{table}_{column}", "__type")), table, type_="check", if_exists=True)
    # squawk and the classifier see that the type changes, but not the old type.
    op.execute(
        "-- squawk-ignore changing-column-type\n"
        f"ALTER TABLE {quoted(table)} ALTER COLUMN {quoted(column)} TYPE {type_} /* looser */"
    )


def refuse_rows(table: str, rule: str, broken: str) -> None:
    """Read the rows that break a rule (`broken` is SQL), without a lock. Raises RowsBreakRule for any."""
    context = op.get_context()
    if context.as_sql:
        return
    with context.autocommit_block():
        connection = op.get_bind()
        rows = f"FROM {quoted(table)} WHERE {broken}"
        count = connection.exec_driver_sql(f"SELECT count(*) {rows}").scalar_one()
        if not count:
            return
        key = [quoted(name) for name in connection.scalars(text(KEY), {"name": quoted(table)})] or ["ctid"]
        shown = connection.exec_driver_sql(f"SELECT concat_ws(', ', {', '.join(key)}) {rows} LIMIT {SHOWN}").scalars()
        examples = "; ".join(shown) + ("; and more" if count > SHOWN else "")
    noun = "row of {} breaks" if count == 1 else "rows of {} break"
    raise RowsBreakRule(f"{count} {noun.format(table)} {rule}, which was not created: {', '.join(key)} {examples}")


def _refuse_duplicates(name: str, table: str, columns: Sequence[str]) -> None:
    context, names = op.get_context(), [quoted(column) for column in columns]
    if context.as_sql:
        return
    given = " AND ".join(f"{column} IS NOT NULL" for column in names)
    value = " || ', ' || ".join(f"quote_literal(left({column}::text, 40))" for column in names)
    with context.autocommit_block():
        found = op.get_bind().exec_driver_sql(
            f"SELECT {value}, count(*), count(*) OVER () FROM {quoted(table)} WHERE {given} "  # noqa: S608
            f"GROUP BY {', '.join(names)} HAVING count(*) > 1 ORDER BY count(*) DESC, 1 LIMIT {SHOWN}"
        )
        rows = found.all()
    if rows:
        examples = "; ".join(f"{values} in {count} rows" for values, count, _ in rows)
        examples += "; and more" if rows[0][2] > SHOWN else ""
        many = f"{rows[0][2]} duplicate value{'' if rows[0][2] == 1 else 's'} of ({', '.join(columns)})"
        raise RowsBreakRule(f"{table} has {many}, against {name}, which was not created: {examples}")


def without_parameters(sql: str) -> str:
    """Return SQL in which SQLAlchemy does not read `:name` as a parameter: a CHECK may hold 'a:b'."""
    return re.sub(r"(?<![:\\]):(?=\w)", r"\\:", sql)


def _validate(name: str, table: str) -> None:
    with op.get_context().autocommit_block():
        op.execute(f"ALTER TABLE {quoted(table)} VALIDATE CONSTRAINT {quoted(name)}")


def short(name: str, suffix: str = "") -> str:
    """Return both as one name; PostgreSQL would cut a longer one at 63, where two may be the same: it gets a hash."""
    if len(name + suffix) <= 63:
        return name + suffix
    return f"{name[: 54 - len(suffix)]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}{suffix}"


def quoted(name: str) -> str:
    """Return a name as SQL, in quotes if it needs them."""
    return op.get_context().dialect.identifier_preparer.quote(name)
