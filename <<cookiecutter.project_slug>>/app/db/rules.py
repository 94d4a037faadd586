"""The CHECK constraints of the models as text, for the error that a client receives. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import CheckConstraint, Constraint, ForeignKeyConstraint, Table, UniqueConstraint

from app.db.base import Base
from app.db.driver import DIALECT

_WORDS = {">": "greater than", ">=": "at least", "<": "less than", "<=": "at most"}
_BOUND = re.compile(r"(>=|<=|>|<)\s*(-?[0-9.]+)")


@dataclass(frozen=True)
class Rule:
    """One rule: `fields` are its columns; `text` completes "must be"."""

    fields: tuple[str, ...]
    text: str


def rule_of(table_name: str, constraint: str) -> Rule | None:
    """Return the rule of a constraint; None for one that no model has."""
    table = Base.metadata.tables.get(table_name)
    for found in table.constraints if table is not None else ():
        if isinstance(found, CheckConstraint) and _name(found) == constraint:
            sql = str(found.sqltext)
            return Rule(columns_in(found.table, sql), _in_words(sql))
    return None


def columns_in(table: Table, sql: str) -> tuple[str, ...]:
    """Return the columns of `table` that an expression names, in the order of the table."""
    without_texts = re.sub(r"'[^']*'", "", sql)
    return tuple(
        column.name
        for column in table.columns
        if re.search(rf"(?<![\w$]){re.escape(column.name)}(?![\w$(])", without_texts)
    )


def key_columns(table: Table, name: str) -> tuple[str, ...]:
    """Return the columns of a unique or foreign key by its name; empty for one that the model does not have."""
    keys = (key for key in table.constraints if isinstance(key, UniqueConstraint | ForeignKeyConstraint))
    return next((tuple(key.columns.keys()) for key in keys if _name(key) == name), ())


def _name(constraint: Constraint) -> str:
    """Return the constraint's name in the database: by the convention, shortened to an identifier's length."""
    return (DIALECT.identifier_preparer.format_constraint(constraint) or "").strip('"')


def _in_words(sql: str) -> str:
    length = re.fullmatch(r"char_length\([^()]+\) >= (\d+)", sql)
    if length:
        return f"at least {length[1]} characters long"
    choices = re.fullmatch(r"\S+ IN \((.+)\)", sql)
    if choices:
        return "one of " + ", ".join(re.findall(r"'([^']*)'", choices[1]) or [choices[1]])
    parts = [_BOUND.fullmatch(part.partition(" ")[2]) for part in sql.split(" AND ")]
    if all(parts) and len({part.partition(" ")[0] for part in sql.split(" AND ")}) == 1:
        return " and ".join(f"{_WORDS[part[1]]} {part[2]}" for part in parts if part)
    return f"such that {sql}"
