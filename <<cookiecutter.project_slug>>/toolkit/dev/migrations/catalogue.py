"""A schema as PostgreSQL's catalogue describes it, to compare the revisions with the models.

Alembic's autogenerate misses a changed CHECK, default or index predicate; the catalogue has them all, with one
spelling for both sides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sqlalchemy import Connection, text

Kind = Literal["column", "default", "constraint", "index", "trigger", "function", "view"]


class Key(NamedTuple):
    kind: Kind
    table: str
    name: str


@dataclass(frozen=True)
class Difference:
    """One difference: `wanted` by the models, `found` after the revisions; None where one of them has nothing."""

    key: Key
    wanted: str | None
    found: str | None

    def __str__(self) -> str:
        kind, table, name = self.key
        where = f"default of {table}.{name}" if kind == "default" else f"{kind} {name}{f' of {table}' if table else ''}"
        return f"{where}: the models say {self.wanted or 'nothing'}, the revisions make {self.found or 'nothing'}"


# A narrower type is a CHECK with the type as its comment (`narrow_column` in app/db/expand.py).
_QUERY = text(
    r"""
    WITH tables AS (
        SELECT oid, relname FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND relname <> 'alembic_version'
    )
    SELECT 'column', relname, attname, coalesce(
        (SELECT obj_description(c.oid, 'pg_constraint') FROM pg_constraint c
         WHERE c.conrelid = tables.oid AND c.conname LIKE 'ck\_%\_\_type' AND c.conkey = ARRAY[attnum]),
        format_type(atttypid, atttypmod))
        || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
        || CASE WHEN attidentity <> '' THEN ' IDENTITY ' || attidentity::text ELSE '' END
        || CASE WHEN attgenerated <> '' THEN ' GENERATED' ELSE '' END
        || CASE WHEN attcollation NOT IN (0, (SELECT typcollation FROM pg_type WHERE oid = atttypid))
           THEN ' COLLATE ' || attcollation::regcollation::text ELSE '' END
    FROM tables JOIN pg_attribute ON attrelid = tables.oid WHERE attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT 'default', relname, attname, pg_get_expr(adbin, adrelid)
    FROM tables JOIN pg_attrdef ON adrelid = tables.oid
    JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
    UNION ALL
    SELECT 'constraint', relname, conname, pg_get_constraintdef(pg_constraint.oid)
    FROM tables JOIN pg_constraint ON conrelid = tables.oid WHERE contype IN ('c', 'f', 'p', 'u', 'x')
    AND NOT (contype = 'c' AND conname LIKE 'ck\_%\_\_type'
             AND obj_description(pg_constraint.oid, 'pg_constraint') IS NOT NULL)
    UNION ALL
    SELECT 'index', tables.relname, index.relname, pg_get_indexdef(indexrelid)
    FROM tables JOIN pg_index ON indrelid = tables.oid JOIN pg_class index ON index.oid = indexrelid
    WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
    """
)


_NARROWED = text(
    r"""
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I, ALTER COLUMN %I TYPE %s', conrelid::regclass, conname, attname,
                  obj_description(pg_constraint.oid, 'pg_constraint'))
    FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
    WHERE contype = 'c' AND conname LIKE 'ck\_%\_\_type'
    AND obj_description(pg_constraint.oid, 'pg_constraint') IS NOT NULL
    AND connamespace = current_schema()::regnamespace
    """
)


# What expand revisions add (app/db/expand.py); triggers and views of the owner's own are not in the models either.
_TEMPORARY = text(
    r"""
    SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(pg_trigger.oid)
    FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE relnamespace = current_schema()::regnamespace AND NOT tgisinternal AND tgname LIKE 'expand\_\_%'
    UNION ALL
    SELECT 'function', '', proname, oid::regprocedure::text FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'expand\_\_%'
    UNION ALL
    SELECT 'view', '', relname, obj_description(oid, 'pg_class') FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'v'
    AND obj_description(oid, 'pg_class') LIKE 'expand\_\_%'
    """
)
_TEXT = re.compile(r"\(('(?:[^']|'')*'::character varying)\)::text")
_CASTS = re.compile(r"""(?<=')::(?:text|character varying)|\((\w+|"[^"]+")\)::text""")
_TEXTS = re.compile(
    r"\(ARRAY\[('(?:[^']|'')*'::character varying(?:, '(?:[^']|'')*'::character varying)*)\]\)::text\[\]"
)


def narrow(connection: Connection) -> None:
    """Give the columns of a database without rows the narrower types that their CHECKs hold, as Alembic sees types."""
    for statement in connection.scalars(_NARROWED).all():
        connection.exec_driver_sql(statement)


def read(connection: Connection) -> dict[Key, str]:
    """Return every column, default, constraint and index of the current schema with its definition."""
    return {Key(kind, table, name): spelled(definition) for kind, table, name, definition in connection.execute(_QUERY)}


def spelled(definition: str) -> str:
    """Return a definition with one spelling for a list of texts: ALTER TYPE makes another of it. Pure."""
    return _TEXTS.sub(r"ARRAY[\1]", _TEXT.sub(r"\1", definition))


def temporary(connection: Connection) -> dict[Key, str]:
    """Return the triggers, their functions, and the views that contract revisions drop."""
    return {Key(kind, table, name): definition for kind, table, name, definition in connection.execute(_TEMPORARY)}


def differences(wanted: Mapping[Key, str], found: Mapping[Key, str]) -> list[Difference]:
    """Return all differences, by table and name. Pure."""
    keys = sorted({*wanted, *found}, key=lambda key: (key.table, key.kind, key.name))
    return [
        Difference(key, wanted.get(key), found.get(key))
        for key in keys
        if _without_casts(wanted.get(key)) != _without_casts(found.get(key))
    ]


def _without_casts(definition: str | None) -> str | None:
    """Return a CHECK without casts to text: one on a TEXT column that holds a VARCHAR's limits has none."""
    return _CASTS.sub(r"\1", definition) if definition and definition.startswith("CHECK") else definition
