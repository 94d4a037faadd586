"""Names that expand revisions give to what they add; app/db/online.py derives the same ones. Pure."""

from __future__ import annotations

import hashlib
from typing import Literal

Kind = Literal[
    "drop_column",
    "drop_table",
    "drop_default",
    "rename_column",
    "rename_table",
    "not_null",
    "check",
    "foreign_key",
    "type",
    "map",
]
PREFIX = "expand__"


def trigger(*columns: str) -> str:
    """Return the name of the trigger that fills a column, or keeps two equal (in either direction)."""
    return _short(PREFIX + "__".join(sorted(columns)))


def trigger_function(table: str, *columns: str) -> str:
    return _short(f"{PREFIX}{table}__{'__'.join(sorted(columns))}")


def not_null(table: str, column: str) -> str:
    """Return the name of the CHECK by which PostgreSQL sets NOT NULL without reading the table."""
    return _short(f"ck_{table}_{column}", "__not_null")


def narrower(table: str, column: str) -> str:
    """Return the name of the CHECK that holds a narrower type; its comment is the type."""
    return _short(f"ck_{table}_{column}", "__type")


def _short(name: str, suffix: str = "") -> str:
    if len(name + suffix) <= 63:
        return name + suffix
    return f"{name[: 54 - len(suffix)]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}{suffix}"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
