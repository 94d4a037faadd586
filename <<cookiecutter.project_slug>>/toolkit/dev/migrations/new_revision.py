"""A new revision: the differences between the models and the revisions.

Both are created in empty databases and never compared with a database in use. Alembic's autogenerate comes first;
what it misses (CHECKs, defaults, predicates) comes from PostgreSQL's catalogue.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from toolkit.dev import service
from toolkit.dev.migrations import environment
from toolkit.dev.migrations.intents import NONE, Intents
from toolkit.dev.postgres import connect, scratch

if TYPE_CHECKING:
    from alembic.operations import ops
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import Connection, MetaData

    from toolkit.dev.migrations.catalogue import Key

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

    Raises SystemExit for two heads, files.Unavailable with neither an embedded PostgreSQL nor a database in the
    settings.
    """
    require_one_head(project)
    with ThreadPoolExecutor(1) as beside:
        importing = beside.submit(_models, project)  # takes a second, while PostgreSQL starts
        with scratch.databases(project) as (revised, models):
            return asyncio.run(_written(_Writing(project, message, importing.result(), intents), revised, models))


def _models(project: Path) -> MetaData:
    """Return the models' tables; import modules for later steps."""
    for name in ("alembic.command", "asyncpg", "sqlalchemy.dialects.postgresql.asyncpg"):
        import_module(name)

    return environment.metadata(project)


async def _written(writing: _Writing, revised: str, models: str) -> Path | None:
    writing.wanted = await _on(models, lambda connection: _made(connection, writing.metadata))
    path = await _on(revised, writing.write)
    for note in writing.notes:
        print(f"Note: {note}", file=sys.stderr)
    return path


async def _on(url: str, work: Callable[[Connection], T]) -> T:
    async with connect.connection(url) as connection:
        return await connection.run_sync(work)


def _made(connection: Connection, metadata: MetaData) -> dict[Key, str]:
    from toolkit.dev.migrations import catalogue

    metadata.create_all(connection)
    return catalogue.read(connection)


@dataclass
class _Writing:
    """A revision being written. `metadata` has the models, `wanted` is their catalogue."""

    project: Path
    message: str
    metadata: MetaData
    intents: Intents = NONE
    wanted: dict[Key, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def write(self, connection: Connection) -> Path | None:
        from alembic import command

        config = environment.config(self.project)
        config.attributes["connection"] = connection  # alembic/env.py uses it instead of the settings' database
        with contextlib.redirect_stdout(sys.stderr):
            command.upgrade(config, "head")
            script = command.revision(
                config, self.message, autogenerate=True, process_revision_directives=self._complete
            )
        return Path(script.path) if script and not isinstance(script, list) else None

    def _complete(self, context: MigrationContext, _: object, directives: list[ops.MigrationScript]) -> None:
        """Replace Alembic's operations with those for all differences, in forms that are safe for a running service."""
        from toolkit.dev.migrations import catalogue, online_operations, unseen_changes

        upgrade, downgrade = directives[0].upgrade_ops, directives[0].downgrade_ops
        assert upgrade is not None  # noqa: S101 - for the type checker, as the next
        assert downgrade is not None  # noqa: S101
        seen = list(online_operations.flat(upgrade.ops))
        before = catalogue.read(_connection(context))
        if self._tried(context, seen):
            after = catalogue.read(_connection(context))
            first = unseen_changes.dropped_checks(before, after, self.wanted)
            last, uncovered = unseen_changes.operations(self.metadata, catalogue.differences(self.wanted, after))
            self.notes += [f"not covered by the revision, add it manually: {difference}" for difference in uncovered]
        else:
            first, last = [], []
        self.notes += [note for op in seen if (note := online_operations.note(op))]
        found = [*first, *online_operations.rewrite(seen), *last]
        if not found:
            directives.clear()
            return
        upgrade.ops[:] = online_operations.repeatable(found)
        downgrade.ops[:] = online_operations.repeatable([op.reverse() for op in reversed(found)])

    def _tried(self, context: MigrationContext, found: list[ops.MigrateOperation]) -> bool:
        """Apply Alembic's operations, so that the catalogue shows what they miss."""
        from alembic.operations import Operations
        from sqlalchemy.exc import DBAPIError

        from toolkit.dev.migrations import online_operations

        try:
            with _connection(context).begin_nested():
                for op in found:
                    Operations(context).invoke(online_operations.as_rendered(op))
        except DBAPIError as error:
            words = " ".join(str(error.orig.__cause__ if error.orig else error).split())
            self.notes.append(f"PostgreSQL rejects the revision, correct it manually: {words}")
            return False
        return True


def _connection(context: MigrationContext) -> Connection:
    assert context.connection is not None  # noqa: S101 - for the type checker
    return context.connection
