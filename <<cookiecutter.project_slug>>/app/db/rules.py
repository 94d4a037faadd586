"""The CHECK constraints of the models, in words: what a client is told that broke one. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import CheckConstraint, Table

from app.db.base import Base
from app.db.driver import DIALECT

_WORDS = {">": "greater than", ">=": "at least", "<": "less than", "<=": "at most"}
_BOUND = re.compile(r"(>=|<=|>|<)\s*(-?[0-9.]+)")


@dataclass(frozen=True)
class Rule:
    """`fields` are the columns that the rule is about; `text` completes "must be"."""

    fields: tuple[str, ...]
    text: str


def rule_of(table_name: str, constraint: str) -> Rule | None:
    """The rule by the constraint's name; None for one that no model has."""
    table = Base.metadata.tables.get(table_name)
    for found in table.constraints if table is not None else ():
        if isinstance(found, CheckConstraint) and _name(found) == constraint:
            sql = str(found.sqltext)
            return Rule(columns_in(found.table, sql), _in_words(sql))
    return None


def columns_in(table: Table, sql: str) -> tuple[str, ...]:
    """The columns of `table` that an expression names, in the order of the table."""
    without_texts = re.sub(r"'[^']*'", "", sql)
    return tuple(
        column.name
        for column in table.columns
        if re.search(rf"(?<![\w$]){re.escape(column.name)}(?![\w$(])", without_texts)
    )


def _name(constraint: CheckConstraint) -> str:
    """As the database has it: by the convention, and shortened where it is too long for an identifier."""
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
