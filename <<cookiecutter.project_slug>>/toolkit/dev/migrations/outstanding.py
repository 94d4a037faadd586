"""Steps that a later release takes: `[[contract]]` tables in service.toml, written with each expand revision.

Until then the database has more than the models say, or forbids less. `statements` is the difference as SQL: a database
at the newest revision, after these statements, equals what the models make.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import get_args

from toolkit.dev.migrations.catalogue import Key
from toolkit.dev.migrations.names import Kind, not_null, quoted, trigger, trigger_function

NAME = "service.toml"
HEADER = "# For a later release, when no release without the revision runs: `python3 tasks.py migrate.contract`.\n"
# The database was not changed for these yet: the models may take them back.
REVOCABLE = ("check", "foreign_key", "type", "drop_default", "map")
_TABLES = re.compile(r"\n*(?:^#[^\n]*migrate\.contract`\.\n)?^\[\[contract\]\]\n(?:(?!\[)[^\n]*\n?)*", re.M)


class OutstandingError(ValueError):
    """The [[contract]] tables of service.toml are invalid. The message is one line, with the next step."""


@dataclass(frozen=True)
class Entry:
    """One step. `revision` is the id of the expand revision; the other fields depend on `kind` (see README.md).

    `to` is the new name of a renamed column or table; `name` and `definition` are a CHECK and its condition, as the
    model spells it, or a foreign key as PostgreSQL does, or `definition` is a type; `value` is the SQL that fills the
    column for code that does not know it.
    """

    kind: Kind
    table: str
    column: str = ""
    to: str = ""
    name: str = ""
    definition: str = ""
    value: str = ""
    values: Mapping[str, str] = field(default_factory=dict, hash=False)
    revision: str = ""

    def __str__(self) -> str:
        where = f"{self.table}.{self.column}" if self.column else self.table
        return {
            "drop_column": f"drops {where} with its values",
            "drop_table": f"drops table {where} with its rows",
            "drop_default": f"drops the default of {where}",
            "rename_column": f"drops {where}, whose values are in {self.table}.{self.to}",
            "rename_table": f"drops the view {where} of table {self.to}",
            "not_null": f"makes {where} NOT NULL",
            "check": f"enforces {self.name} of {where}: {self.definition}",
            "foreign_key": f"enforces {self.name} of {where}: {self.definition}",
            "type": f"limits {where} to {self.definition}",
            "map": f"replaces values of {where}: {', '.join(f'{old} -> {new}' for old, new in self.values.items())}",
        }[self.kind]


def read(project: Path) -> tuple[Entry, ...]:
    """Return the outstanding steps of a service. Raises OutstandingError."""
    return parsed((project / NAME).read_text("utf-8")) if (project / NAME).exists() else ()


def parsed(text: str) -> tuple[Entry, ...]:
    """Return the entries in the text of service.toml. Raises OutstandingError."""
    tables = tomllib.loads(text).get("contract", [])
    known = {each.name for each in fields(Entry)}
    for number, table in enumerate(tables, 1):
        place = f"{NAME}: [[contract]] number {number}"
        if unknown := sorted(set(table) - known):
            raise OutstandingError(f"{place} has an unknown key `{unknown[0]}`; restore it with git")
        if table.get("kind") not in get_args(Kind) or not table.get("table"):
            raise OutstandingError(f"{place} lacks a valid `kind` or `table`; restore it with git")
    return tuple(Entry(**table) for table in tables)


def rewritten(text: str, entries: Sequence[Entry]) -> str:
    """Return the text of service.toml with these entries at its end, otherwise unchanged."""
    kept = _TABLES.sub("\n", text).rstrip("\n") + "\n"
    return kept + "".join(f"\n{HEADER if number == 0 else ''}{_toml(entry)}" for number, entry in enumerate(entries))


def write(project: Path, entries: Sequence[Entry]) -> None:
    path = project / NAME
    path.write_text(rewritten(path.read_text("utf-8"), entries), encoding="utf-8")


def statements(entries: Iterable[Entry]) -> list[str]:
    """Return SQL that takes the steps on a database without rows."""
    return [sql for entry in entries for sql in _statements(entry)]


def _statements(entry: Entry) -> list[str]:
    table, column = quoted(entry.table), quoted(entry.column)
    alter = f"ALTER TABLE {table}"
    if entry.kind == "drop_table":
        return [f"DROP TABLE {table} CASCADE"]
    if entry.kind == "drop_column":
        return [f"{alter} DROP COLUMN {column}"]
    if entry.kind == "drop_default":
        return [f"{alter} ALTER COLUMN {column} DROP DEFAULT"]
    if entry.kind == "type":
        return [f"{alter} ALTER COLUMN {column} TYPE {entry.definition}"]
    if entry.kind == "rename_column":
        return [*_without_trigger(entry.table, entry.column, entry.to), f"{alter} DROP COLUMN {column}"]
    if entry.kind == "rename_table":
        return [f"DROP VIEW {table}"]
    if entry.kind == "not_null":
        dropped = f"{alter} DROP CONSTRAINT IF EXISTS {quoted(not_null(entry.table, entry.column))}"
        return [
            *_without_trigger(entry.table, entry.column),
            f"{alter} ALTER COLUMN {column} SET NOT NULL",
            dropped,
        ]
    if entry.kind in ("check", "foreign_key"):
        name = quoted(entry.name)
        rule = f"CHECK ({entry.definition})" if entry.kind == "check" else entry.definition
        return [f"{alter} DROP CONSTRAINT IF EXISTS {name}", f"{alter} ADD CONSTRAINT {name} {rule}"]
    return []


def _without_trigger(table: str, *columns: str) -> list[str]:
    return [
        f"DROP TRIGGER IF EXISTS {quoted(trigger(*columns))} ON {quoted(table)}",
        f"DROP FUNCTION IF EXISTS {quoted(trigger_function(table, *columns))}()",
    ]


def revoked(
    entries: Iterable[Entry], wanted: Mapping[Key, str], conditions: Mapping[tuple[str, str], str]
) -> list[Entry]:
    """Return the steps that the models no longer ask for: they have changed again.

    `wanted` is the models' catalogue, `conditions` are their CHECKs by table and name.
    """
    return [entry for entry in entries if not _still_asked_for(entry, wanted, conditions)]


def _still_asked_for(entry: Entry, wanted: Mapping[Key, str], conditions: Mapping[tuple[str, str], str]) -> bool:
    column = wanted.get(Key("column", entry.table, entry.column))
    tables = {key.table for key in wanted}
    return {
        "drop_table": entry.table not in tables,
        "drop_column": column is None and entry.table in tables,
        "drop_default": column is not None and Key("default", entry.table, entry.column) not in wanted,
        "rename_column": column is None and Key("column", entry.table, entry.to) in wanted,
        "rename_table": entry.table not in tables and entry.to in tables,
        "not_null": column is not None and " NOT NULL" in column,
        "check": conditions.get((entry.table, entry.name)) == entry.definition,
        "foreign_key": wanted.get(Key("constraint", entry.table, entry.name)) == entry.definition,
        "type": column is not None and column.removesuffix(" NOT NULL") == entry.definition,
        "map": column is not None,
    }[entry.kind]


def _toml(entry: Entry) -> str:
    values = {key: value for key, value in asdict(entry).items() if value}
    lines = [f"{key} = {_value(value)}" for key, value in values.items()]
    return "\n".join(["[[contract]]", *lines]) + "\n"


def _value(value: str | Mapping[str, str]) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return "{ " + ", ".join(f"{_value(old)} = {_value(new)}" for old, new in value.items()) + " }"
