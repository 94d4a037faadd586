"""A new revision: the differences between the models and the revisions.

Both are created in empty databases and never compared with a database in use. Alembic's autogenerate comes first;
what it misses (CHECKs, defaults, predicates) comes from PostgreSQL's catalogue.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from toolkit.dev import service
from toolkit.dev.migrations import environment, outstanding
from toolkit.dev.migrations.intents import NONE, Intents
from toolkit.dev.postgres import connect, scratch

if TYPE_CHECKING:
    from sqlalchemy import Connection, MetaData

    from toolkit.dev.migrations.catalogue import Key
    from toolkit.dev.migrations.writing import Writing

PROJECT = Path.cwd()
T = TypeVar("T")


def require_one_head(project: Path) -> None:
    """Require a single head. Raises SystemExit with both heads and the command that merges them."""
    try:
        _ = service.revisions(project).head
    except service.ServiceError as error:
        raise SystemExit(f"No revision can be written: {error}.") from None


def new(message: str, project: Path = PROJECT, intents: Intents = NONE) -> Path | None:
    """Write the revision; None when there is nothing to write. Prints notes for its author.

    Raises SystemExit for two heads or a change without a safe revision, files.Unavailable with neither an embedded
    PostgreSQL nor a database in the settings.
    """

    def expand(metadata: MetaData, wanted: dict[Key, str]) -> Writing:
        from toolkit.dev.migrations.writing import Expand

        return Expand(project, message, metadata, wanted, intents=intents)

    return _write(project, expand)


def contract(message: str, project: Path = PROJECT) -> Path | None:
    """Write the revision for all outstanding steps; None without any. Raises as `new` does."""
    entries = _outstanding(project)

    def contract(metadata: MetaData, wanted: dict[Key, str]) -> Writing:
        from toolkit.dev.migrations.writing import Contract

        return Contract(project, message, metadata, wanted, entries=entries)

    return _write(project, contract) if entries else None


def _outstanding(project: Path) -> tuple[outstanding.Entry, ...]:
    try:
        return outstanding.read(project)
    except outstanding.OutstandingError as fault:
        raise SystemExit(f"No revision was written: {fault}") from None


def _write(project: Path, writing: Callable[[MetaData, dict[Key, str]], Writing]) -> Path | None:
    require_one_head(project)
    _outstanding(project)
    with ThreadPoolExecutor(1) as beside:
        importing = beside.submit(_models, project)  # takes a second, while PostgreSQL starts
        with scratch.databases(project) as (revised, models):
            return asyncio.run(_written(importing.result(), writing, revised, models))


def _models(project: Path) -> MetaData:
    """Return the models' tables; import modules for later steps."""
    for name in ("toolkit.dev.migrations.writing", "asyncpg", "sqlalchemy.dialects.postgresql.asyncpg"):
        import_module(name)

    return environment.metadata(project)


async def _written(
    metadata: MetaData, writing: Callable[[MetaData, dict[Key, str]], Writing], revised: str, models: str
) -> Path | None:
    from toolkit.dev.migrations.writing import Refused

    written = writing(metadata, await _on(models, lambda connection: _made(connection, metadata)))
    try:
        path = await _on(revised, written.write)
    except Refused as fault:
        raise SystemExit(f"No revision was written: {fault}") from None
    for note in written.notes:
        print(f"Note: {note}", file=sys.stderr)
    return path


async def _on(url: str, work: Callable[[Connection], T]) -> T:
    async with connect.connection(url) as connection:
        return await connection.run_sync(work)


def _made(connection: Connection, metadata: MetaData) -> dict[Key, str]:
    from toolkit.dev.migrations import catalogue

    metadata.create_all(connection)
    return catalogue.read(connection)
