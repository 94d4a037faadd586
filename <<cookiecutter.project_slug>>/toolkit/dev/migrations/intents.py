"""Facts about a change that models and revisions do not show: what was renamed, and where values come from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Intents:
    """Names are those of tables and columns; all SQL is an expression over a row of the table.

    `renamed_columns`: (table, old) to new. `renamed_tables`: old to new; the other fields name a renamed table by its
    new name. `backfills`: (table, column) to the value of existing rows. `value_maps`: (table, column) to the
    replacement of each removed value.
    """

    renamed_columns: Mapping[tuple[str, str], str] = field(default_factory=dict)
    renamed_tables: Mapping[str, str] = field(default_factory=dict)
    backfills: Mapping[tuple[str, str], str] = field(default_factory=dict)
    value_maps: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)


NONE = Intents()
_COLUMN = re.compile(r"(\w+)\.(\w+)=(.+)", re.S)
_MAP = re.compile(r"(\w+)\.(\w+):([^=]+)=(.+)", re.S)
_TABLE = re.compile(r"(\w+)=(\w+)")


def parsed(*, backfills: Iterable[str] = (), renames: Iterable[str] = (), maps: Iterable[str] = ()) -> Intents:
    """Return the intents of the flags of `migrate.new`. Raises SystemExit for an invalid one."""
    columns: dict[tuple[str, str], str] = {}
    tables: dict[str, str] = {}
    values: dict[tuple[str, str], dict[str, str]] = {}
    for rename in renames:
        if table := _TABLE.fullmatch(rename):
            tables[table[1]] = table[2]
        else:
            place, new = _column("rename", rename, "TABLE.OLD=NEW or OLD=NEW")
            columns[place] = new
    for item in maps:
        found = _MAP.fullmatch(item)
        if not found:
            raise SystemExit(f"--map {item!r} is invalid; expected TABLE.COLUMN:OLD=NEW")
        values.setdefault((found[1], found[2]), {})[found[3]] = found[4]
    filled = dict(_column("backfill", item, "TABLE.COLUMN=SQL") for item in backfills)
    return Intents(columns, tables, filled, values)


def _column(flag: str, given: str, form: str) -> tuple[tuple[str, str], str]:
    found = _COLUMN.fullmatch(given)
    if not found:
        raise SystemExit(f"--{flag} {given!r} is invalid; expected {form}")
    return (found[1], found[2]), found[3].strip()
