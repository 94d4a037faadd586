"""Rows that pending revisions would erase from a developer's database, and the confirmation before that."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.dev import service
from toolkit.dev.migrations import offline_sql
from toolkit.dev.postgres import connect
from toolkit.dev.questions import ask, can_answer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_NAME = r"\"?([\w$]+)\"?"
_DROP_TABLE = re.compile(rf"\bDROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:[\w$]+\.)?{_NAME}", re.I)
_DROP_COLUMN = re.compile(
    rf"\bALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?(?:[\w$]+\.)?{_NAME}.*?\bDROP\s+COLUMN\s+(?:IF\s+EXISTS\s+)?{_NAME}",
    re.I | re.S,
)
# By app/db/expand.py: the trigger of a rename, `expand__` and both names.
_RENAME = re.compile(rf"\bDROP\s+TRIGGER\s+(?:IF\s+EXISTS\s+)?\"?expand__([\w$]+)\"?\s+ON\s+{_NAME}", re.I)
_DELETE = re.compile(rf"\b(?:DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?)\s+(?:ONLY\s+)?(?:[\w$]+\.)?{_NAME}", re.I)


@dataclass(frozen=True)
class Erased:
    """A table, or one column of it, that a revision drops or empties."""

    place: str
    table: str
    column: str = ""

    def counted(self, count: int) -> str:
        name, noun = (f"{self.table}.{self.column}", "value") if self.column else (self.table, "row")
        return f"{name}: {count} {noun}{'' if count == 1 else 's'} ({self.place})"


def confirm(project: Path, found: service.Revisions, wanted: str, flag: str) -> None:
    """Ask before the upgrade to `wanted` erases rows. Raises SystemExit without a yes, or without a terminal."""
    if lost := _lost(project, found, wanted):
        listed = "".join(f"\n  {line}" for line in lost)
        if not can_answer():
            raise SystemExit(
                f"migrate: pending revisions erase data:{listed}\n"
                f"Nothing was changed. To erase it, run this again with {flag}."
            )
        print(f"Pending revisions erase data:{listed}")
        if ask("Type yes to erase it: ") != "yes":
            raise SystemExit("migrate: not confirmed; nothing was changed.")


def _lost(project: Path, found: service.Revisions, wanted: str) -> list[str]:
    """Return each table or column that would lose values; empty without a connection, which the upgrade reports."""
    erased = {revision.id: erased_by(revision) for revision in found.between((), wanted)}
    if wanted not in found.known or not any(erased.values()):
        return []
    try:
        return asyncio.run(_counted(service.database_url(project), found, wanted, erased))
    except (service.ServiceError, connect.NotConnected):
        return []


async def _counted(
    url: str, found: service.Revisions, wanted: str, erased: Mapping[str, Sequence[Erased]]
) -> list[str]:
    """Raises NotConnected."""
    from sqlalchemy import text

    async with connect.connection(url) as connection:
        if not await connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL")):
            return []
        present = list(await connection.scalars(text("SELECT version_num FROM alembic_version")))
        if not set(present) <= set(found.known):
            return []
        pending = [item for revision in found.between(present, wanted) for item in erased[revision.id]]
        counted = [(item, await _values(connection, item)) for item in dict.fromkeys(pending)]
        return [item.counted(count) for item, count in counted if count]


async def _values(connection: AsyncConnection, item: Erased) -> int:
    """Return the current number of rows of the table, or values of the column; 0 if it does not exist yet."""
    from sqlalchemy import column, func, select, table, text

    exists = await connection.scalar(
        text("SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(:table) AND attname = :name"),
        {"table": f'"{item.table}"', "name": item.column or "ctid"},
    )
    counted = func.count(column(item.column)) if item.column else func.count()
    return int(await connection.scalar(select(counted).select_from(table(item.table))) or 0) if exists else 0


def erased_by(revision: service.Revision) -> list[Erased]:
    """Return what a revision drops or empties: from its SQL, or from its calls if it reads rows and so has no SQL."""
    script = offline_sql.script_of(revision)
    found = [item for statement in script.statements for item in _in_sql(revision.place, statement)]
    found += _in_calls(revision) if script.unreadable else ()
    renames = [pair for statement in script.statements for pair in _RENAME.findall(statement.sql)]
    return [item for item in found if not _has_a_copy(item, renames)]


def _has_a_copy(item: Erased, renames: Sequence[tuple[str, str]]) -> bool:
    """Return True for the former name of a column, whose values are under its new one."""
    return bool(item.column) and any(
        table == item.table and (names.startswith(f"{item.column}__") or names.endswith(f"__{item.column}"))
        for names, table in renames
    )


def _in_sql(place: str, statement: offline_sql.Statement) -> Iterator[Erased]:
    bare = re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", " ", statement.sql, flags=re.S)
    at = f"{place}:{statement.line}"
    for part in bare.split(";"):
        for pattern in (_DROP_TABLE, _DROP_COLUMN, _DELETE):
            yield from (Erased(at, *match.groups()) for match in pattern.finditer(part))


def _in_calls(revision: service.Revision) -> Iterator[Erased]:
    for node in ast.walk(ast.parse(revision.path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name == "upgrade":
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                    names = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                    yield from _of_call(f"{revision.place}:{call.lineno}", call.func.attr, names)


def _of_call(at: str, function: str, names: Sequence[str]) -> Iterator[Erased]:
    if function == "drop_table" and names:
        yield Erased(at, names[0])
    elif function == "drop_column" and len(names) > 1:
        yield Erased(at, names[0], names[1])
    elif function in ("execute", "text") and names:
        yield from _in_sql(at.rpartition(":")[0], offline_sql.Statement(names[0], int(at.rpartition(":")[2])))
