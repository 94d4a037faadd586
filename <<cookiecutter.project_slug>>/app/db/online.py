"""Operations for revisions: change a table in use without blocking its readers and writers.

Each commits part of its revision, so each may run again after an interruption: it first drops any leftovers. The rest
of such a revision must be repeatable too (`if_not_exists=True`), as in generated revisions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from alembic import op
from alembic.operations.ops import CreateForeignKeyOp
from sqlalchemy.schema import AddConstraint


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

    `looser`: it accepts every row that the old one did, so it does not break code that is still running.
    """
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
    """Create or replace a foreign key; `looser` as in `create_check`: only what a delete does is different."""
    op.drop_constraint(name, source, type_="foreignkey", if_exists=True)
    created = CreateForeignKeyOp(name, source, referent, list(columns), list(referred), **options)
    key = AddConstraint(created.to_constraint(op.get_context()))
    mark = " NOT VALID /* looser */" if looser else " NOT VALID"
    op.execute(f"{key.compile(dialect=op.get_context().dialect)}{mark}")
    _validate(name, source)


def create_unique(name: str, table: str, columns: Sequence[str]) -> None:
    """Create a UNIQUE constraint from an index that is created concurrently."""
    op.drop_constraint(name, table, type_="unique", if_exists=True)
    create_index_concurrently(name, table, columns, unique=True)
    op.execute(f"ALTER TABLE {quoted(table)} ADD CONSTRAINT {quoted(name)} UNIQUE USING INDEX {quoted(name)}")


def widen_column(table: str, column: str, type_: str) -> None:
    """Change a column to a type that holds every old value and is stored the same: the table is not rewritten."""
    op.drop_constraint(op.f(f"ck_{table}_{column}__type"), table, type_="check", if_exists=True)
    # squawk and the classifier see that the type changes, but not the old type.
    op.execute(
        "-- squawk-ignore changing-column-type\n"
        f"ALTER TABLE {quoted(table)} ALTER COLUMN {quoted(column)} TYPE {type_} /* looser */"
    )


def without_parameters(sql: str) -> str:
    """Return SQL in which SQLAlchemy does not read `:name` as a parameter: a CHECK may hold 'a:b'."""
    return re.sub(r"(?<![:\\]):(?=\w)", r"\\:", sql)


def _validate(name: str, table: str) -> None:
    with op.get_context().autocommit_block():
        op.execute(f"ALTER TABLE {quoted(table)} VALIDATE CONSTRAINT {quoted(name)}")


def quoted(name: str) -> str:
    """Return a name as SQL, in quotes if it needs them."""
    return op.get_context().dialect.identifier_preparer.quote(name)
