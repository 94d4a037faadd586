"""A new revision: the differences between the models and the revisions.

Both are created in empty databases and never compared with a database in use. Alembic's autogenerate comes first;
what it misses (CHECKs, defaults, predicates) comes from PostgreSQL's catalogue.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.dev.migrations import upgrade
from toolkit.dev.postgres import scratch

if TYPE_CHECKING:
    from alembic.operations import ops
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import Connection, MetaData

    from app.db.catalogue import Key

PROJECT = Path.cwd()


def require_one_head(project: Path) -> None:
    """Require a single head. Raises SystemExit with both heads and the command that merges them."""
    from app.db import revisions

    try:
        _ = upgrade.known(project).head
    except revisions.RevisionError as error:
        raise SystemExit(f"No revision can be written: {error}.") from None


def new(message: str, project: Path = PROJECT) -> Path | None:
    """Write the revision; None when there is nothing to write. Prints notes for its author.

    Raises SystemExit for two heads, files.Unavailable with neither an embedded PostgreSQL nor a database in the
    settings.
    """
    require_one_head(project)
    importing = threading.Thread(target=_import_quietly)  # takes a second, while PostgreSQL starts
    importing.start()
    with scratch.databases(project) as (revised, models):
        importing.join()
        return asyncio.run(_written(_Writing(project, message), revised, models))


def _import_quietly() -> None:
    for name in (
        "alembic.command",
        "sqlalchemy.dialects.postgresql.asyncpg",
        "asyncpg",
        "app.db.base",
        "app.db.engine",
    ):
        import_module(name)


async def _written(writing: _Writing, revised: str, models: str) -> Path | None:
    writing.wanted = await _on(models, lambda connection: _made(connection, writing.metadata))
    path = await _on(revised, writing.write)
    for note in writing.notes:
        print(f"Note: {note}", file=sys.stderr)
    return path


async def _on(url: str, work: Any) -> Any:
    from sqlalchemy.pool import NullPool

    from app.db.engine import connecting_engine
    from app.settings.database_url import parse_database_url

    engine = connecting_engine(parse_database_url(url), poolclass=NullPool)
    async with engine.connect() as connection:
        return await connection.run_sync(work)


def _made(connection: Connection, metadata: MetaData) -> dict[Key, str]:
    from app.db import catalogue

    metadata.create_all(connection)
    return catalogue.read(connection)


@dataclass
class _Writing:
    """A revision being written. `wanted`: the catalogue of the models."""

    project: Path
    message: str
    wanted: dict[Key, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def metadata(self) -> MetaData:
        from app.db.base import load_models

        return load_models()

    def write(self, connection: Connection) -> Path | None:
        from alembic import command

        config = upgrade.config(self.project)
        config.attributes["connection"] = connection  # alembic/env.py uses it instead of the settings' database
        with contextlib.redirect_stdout(sys.stderr):
            command.upgrade(config, "head")
            script = command.revision(
                config, self.message, autogenerate=True, process_revision_directives=self._complete
            )
        return Path(script.path) if script and not isinstance(script, list) else None

    def _complete(self, context: MigrationContext, _: Any, directives: list[Any]) -> None:
        """Replace Alembic's operations with those for all differences, in forms that are safe for a running service."""
        from app.db import catalogue
        from toolkit.dev.migrations import online_operations, unseen_changes

        script = directives[0]
        seen = list(online_operations.flat(script.upgrade_ops.ops))
        before = catalogue.read(_connection(context))
        if self._tried(context, seen):
            after = catalogue.read(_connection(context))
            first = unseen_changes.dropped_checks(before, after, self.wanted)
            last, uncovered = unseen_changes.operations(self.metadata, catalogue.differences(self.wanted, after))
            self.notes += [f"not covered by the revision, add it by hand: {difference}" for difference in uncovered]
        else:
            first, last = [], []
        self.notes += [note for op in seen if (note := online_operations.note(op))]
        found = [*first, *online_operations.rewrite(seen), *last]
        if not found:
            directives.clear()
            return
        script.upgrade_ops.ops[:] = online_operations.repeatable(found)
        script.downgrade_ops.ops[:] = online_operations.repeatable([op.reverse() for op in reversed(found)])

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
            self.notes.append(f"PostgreSQL rejects the revision, correct it by hand: {words}")
            return False
        return True


def _connection(context: MigrationContext) -> Connection:
    assert context.connection is not None  # noqa: S101 - for the type checker
    return context.connection
