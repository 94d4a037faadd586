"""For revisions: changes to a table that is in use, without locking out its readers and writers.

Each commits part of its revision, so each may run again after an interruption: it first drops what that has left. The
rest of such a revision has to bear that as well (`if_not_exists=True`), as generated revisions do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from alembic import op


def create_index_concurrently(
    name: str, table: str, columns: Sequence[Any], *, unique: bool = False, **options: Any
) -> None:
    """Make an index. IF NOT EXISTS would keep an invalid one of an interrupted attempt, and succeed."""
    with op.get_context().autocommit_block():
        op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, table, list(columns), unique=unique, postgresql_concurrently=True, **options)


def drop_index_concurrently(name: str, table_name: str, **_: Any) -> None:
    """Drop an index, if it exists. Its options, which Alembic writes along, make no difference."""
    with op.get_context().autocommit_block():
        op.drop_index(name, table_name=table_name, if_exists=True, postgresql_concurrently=True)


def create_check(name: str, table: str, condition: str, *, looser: bool = False) -> None:
    """Make or replace a CHECK; existing rows are read afterwards, without a lock that blocks writes.

    `looser`: it lets through all that the one before did, so it does not break code that still serves.
    """
    op.drop_constraint(name, table, type_="check", if_exists=True)
    # The mark is for the classifier of deploys (toolkit/deploy/release/breaking_changes.py).
    mark = " /* looser */" if looser else ""
    added = f"ALTER TABLE {_quoted(table)} ADD CONSTRAINT {_quoted(name)} CHECK ({condition}) NOT VALID{mark}"
    op.execute(without_parameters(added))
    _validate(name, table)


def create_foreign_key(
    name: str, source: str, referent: str, columns: Sequence[str], referred: Sequence[str], **options: Any
) -> None:
    op.drop_constraint(name, source, type_="foreignkey", if_exists=True)
    op.create_foreign_key(name, source, referent, list(columns), list(referred), postgresql_not_valid=True, **options)
    _validate(name, source)


def create_unique(name: str, table: str, columns: Sequence[str]) -> None:
    """Make a UNIQUE constraint from an index that is made concurrently."""
    op.drop_constraint(name, table, type_="unique", if_exists=True)
    create_index_concurrently(name, table, columns, unique=True)
    op.execute(f"ALTER TABLE {_quoted(table)} ADD CONSTRAINT {_quoted(name)} UNIQUE USING INDEX {_quoted(name)}")


def widen_column(table: str, column: str, type_: str) -> None:
    """Give a column a type that holds every value of the one before and is stored the same: nothing is rewritten."""
    # squawk and the classifier see only that a type changes, not from which.
    op.execute(
        "-- squawk-ignore changing-column-type\n"
        f"ALTER TABLE {_quoted(table)} ALTER COLUMN {_quoted(column)} TYPE {type_} /* looser */"
    )


def without_parameters(sql: str) -> str:
    """SQL in which SQLAlchemy takes no `:name` for a parameter: a CHECK may hold 'a:b'."""
    return re.sub(r"(?<![:\\]):(?=\w)", r"\\:", sql)


def _validate(name: str, table: str) -> None:
    with op.get_context().autocommit_block():
        op.execute(f"ALTER TABLE {_quoted(table)} VALIDATE CONSTRAINT {_quoted(name)}")


def _quoted(name: str) -> str:
    return op.get_context().dialect.identifier_preparer.quote(name)
