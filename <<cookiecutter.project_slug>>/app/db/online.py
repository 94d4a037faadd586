"""Operations for revisions: change a table in use without blocking its readers and writers.

Each commits part of its revision, so each may run again after an interruption: it first drops any leftovers. The rest
of such a revision must be repeatable too (`if_not_exists=True`), as in generated revisions.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from alembic import op
from alembic.operations.ops import CreateForeignKeyOp
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import AddConstraint

SHOWN = 5
KEY = """
    SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
    WHERE indrelid = to_regclass(:name) AND indisprimary ORDER BY array_position(indkey::int2[], attnum)
"""


_CHANGED = "a row of {table} broke {rule} while it was created, and has changed since; run the migration again"
_VIEWS = """
    SELECT relname, rtrim(pg_get_viewdef(oid), ';') AS query FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'v'
    AND obj_description(oid, 'pg_class') = :comment ORDER BY 1
"""
# Give a view the privileges on its table and of the columns; with row security, the role that asks is checked
# against the table, too (PostgreSQL 15), and needs all of its columns.
_PRIVILEGES = """DO $privileges$
DECLARE given record;
BEGIN
    FOR given IN
        SELECT privilege_type AS privilege, is_grantable, grantee, '' AS part
        FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner))) WHERE oid = '{table}'::regclass
        UNION ALL
        SELECT privilege_type, is_grantable, grantee, format(' (%I)', attname)
        FROM pg_attribute, aclexplode(attacl) WHERE attrelid = '{table}'::regclass AND NOT attisdropped
    LOOP
        IF given.privilege IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE') THEN
            EXECUTE format('GRANT %s%s ON %s TO %s%s', given.privilege, given.part, '{view}'::regclass,
                CASE given.grantee WHEN 0 THEN 'PUBLIC' ELSE given.grantee::regrole::text END,
                CASE WHEN given.is_grantable AND given.grantee <> 0 THEN ' WITH GRANT OPTION' ELSE '' END);
        END IF;
    END LOOP;
    IF (SELECT relrowsecurity FROM pg_class WHERE oid = '{table}'::regclass) THEN
        IF current_setting('server_version_num')::integer < 150000 THEN
            RAISE EXCEPTION 'table {table} has row security, which a view ignores before PostgreSQL 15';
        END IF;
        EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', '{view}'::regclass);
    END IF;
END $privileges$"""


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
    """Create or replace a CHECK; existing rows are validated without a lock that blocks writes.

    `looser`: it accepts every row that the old one did, so it does not break code that is still running. Raises
    RowsBreakRule.
    """
    rule = _Rule(name, table, f"{name} ({condition})", f"({condition}) IS FALSE")
    if not looser:
        rule.refuse_rows()
    rule.put(f"CHECK ({condition})", looser=looser)


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
    given = " AND ".join(f"{quoted(column)} IS NOT NULL" for column in columns)
    same = " AND ".join(
        f"referred.{quoted(theirs)} = {quoted(source)}.{quoted(ours)}"
        for ours, theirs in zip(columns, referred, strict=True)
    )
    found = f"EXISTS (SELECT FROM {quoted(referent)} AS referred WHERE {same})"
    rule = _Rule(
        name, source, f"{name} ({', '.join(columns)} refers to {referent})", f"{given} AND NOT {found}", "foreignkey"
    )
    if not looser:
        rule.refuse_rows()
    created = CreateForeignKeyOp(name, source, referent, list(columns), list(referred), **options)
    key = AddConstraint(created.to_constraint(op.get_context())).compile(dialect=op.get_context().dialect)
    rule.put(f"FOREIGN KEY{str(key).partition('FOREIGN KEY')[2]}", looser=looser)


def create_unique(name: str, table: str, columns: Sequence[str]) -> None:
    """Create a UNIQUE constraint from an index that is created concurrently. Raises RowsBreakRule."""
    _refuse_duplicates(name, table, columns)
    op.drop_constraint(name, table, type_="unique", if_exists=True)
    # For the classifier of deploys: no row breaks it, and code of any version answers 409 for a duplicate.
    index = f"CREATE UNIQUE INDEX CONCURRENTLY {quoted(name)} ON {quoted(table)} ({', '.join(map(quoted, columns))})"
    broken = False
    with op.get_context().autocommit_block():
        op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
        try:
            op.execute(f"{index} /* no duplicates */")
        except IntegrityError:  # written since they were counted
            broken = True
            op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
    if broken:
        _refuse_duplicates(name, table, columns)
        raise RowsBreakRule(_CHANGED.format(table=table, rule=name))
    op.execute(f"ALTER TABLE {quoted(table)} ADD CONSTRAINT {quoted(name)} UNIQUE USING INDEX {quoted(name)}")


def widen_column(table: str, column: str, type_: str) -> None:
    """Change a column to a type that holds every old value and is stored the same: the table is not rewritten."""
    with _without_views(table):
        op.drop_constraint(op.f(short(f"ck_{table}_{column}", "__type")), table, type_="check", if_exists=True)
        # squawk and the classifier see that the type changes, but not the old type.
        op.execute(
            "-- squawk-ignore changing-column-type\n"
            f"ALTER TABLE {quoted(table)} ALTER COLUMN {quoted(column)} TYPE {type_} /* looser */"
        )


def restore_type(table: str, column: str, type_: str) -> None:
    """Take `widen_column` back, for a downgrade: the table may be rewritten."""
    with _without_views(table):
        op.execute(f"ALTER TABLE {quoted(table)} ALTER COLUMN {quoted(column)} TYPE {type_}")


def create_view(name: str, table: str, query: str = "") -> None:
    """Create an updatable view under the former name of a table, with the table's privileges."""
    query = query or f"SELECT * FROM {quoted(table)}"  # noqa: S608
    op.execute(without_parameters(f"CREATE VIEW {quoted(name)} AS {query}"))
    op.execute(f"COMMENT ON VIEW {quoted(name)} IS 'expand__{table}'")  # by which the drift test finds a forgotten one
    op.execute(without_parameters(_PRIVILEGES.format(table=quoted(table), view=quoted(name))))


def drop_view(name: str) -> None:
    op.execute(f"DROP VIEW IF EXISTS {quoted(name)}")


@contextmanager
def _without_views(table: str) -> Iterator[None]:
    """Create the views of a renamed table again afterwards, in one transaction: they depend on the types of columns.

    A view is locked before its table, as its queries do; what the revision has locked until then is let go.
    """
    views: dict[str, str] = {}
    if not op.get_context().as_sql:
        found = op.get_bind().execute(text(_VIEWS), {"comment": f"expand__{table}"})
        views = {row.relname: row.query for row in found}
    if views:
        with op.get_context().autocommit_block():
            pass
    for view in views:
        drop_view(view)
    yield
    for view, query in views.items():
        create_view(view, table, query)


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


@dataclass(frozen=True)
class _Rule:
    """A constraint to create. `text` is for messages, `broken` is SQL for the rows that break it."""

    name: str
    table: str
    text: str
    broken: str
    kind: str = "check"

    def refuse_rows(self) -> None:
        refuse_rows(self.table, self.text, self.broken)

    def put(self, definition: str, *, looser: bool) -> None:
        """Create it under a temporary name, validate it, and replace the old one with it.

        A constraint that VALIDATE refuses is dropped: no row that breaks it could be updated. Raises RowsBreakRule.
        """
        table, new, broken = quoted(self.table), short(self.name, "__new"), False
        op.drop_constraint(op.f(new), self.table, type_=self.kind, if_exists=True)
        # The marker is for the classifier of deploys (toolkit/deploy/breaking_changes.py).
        mark = " NOT VALID /* looser */" if looser else " NOT VALID"
        op.execute(without_parameters(f"ALTER TABLE {table} ADD CONSTRAINT {quoted(new)} {definition}{mark}"))
        with op.get_context().autocommit_block():
            try:
                op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {quoted(new)}")
            except IntegrityError:  # by a row that was written since they were counted
                broken = True
                op.drop_constraint(op.f(new), self.table, type_=self.kind, if_exists=True)
        if broken:
            self.refuse_rows()
            raise RowsBreakRule(_CHANGED.format(table=self.table, rule=self.text))
        op.drop_constraint(op.f(self.name), self.table, type_=self.kind, if_exists=True)
        op.execute(
            "-- squawk-ignore renaming-object\n"
            f"ALTER TABLE {table} RENAME CONSTRAINT {quoted(new)} TO {quoted(self.name)}"
        )


def short(name: str, suffix: str = "") -> str:
    """Return both as one name; PostgreSQL would cut a longer one at 63, where two may be the same: it gets a hash."""
    if len(name + suffix) <= 63:
        return name + suffix
    return f"{name[: 54 - len(suffix)]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}{suffix}"


def quoted(name: str) -> str:
    """Return a name as SQL, in quotes if it needs them."""
    return op.get_context().dialect.identifier_preparer.quote(name)
