"""Migrations of a live database: one at a time, and without making requests wait."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import NullPool

from app.core.config import ConfigurationError, Settings
from app.db.engine import connecting_engine
from app.db.online import (
    create_index_concurrently as create_index_concurrently,
)  # for older revisions, which import it from here

# sysexits.h: EX_TEMPFAIL. Another migration is running; retry later.
EXIT_LOCK_HELD = 75
LOCK_NUMBER = 0x616C656D626963  # "alembic"
LOCK_TIMEOUT_MS = 4000
ATTEMPTS = 5
LOCK_NOT_AVAILABLE = "55P03"
NO_DIRECT_ADDRESS = (
    "MIGRATION_DATABASE_URL is not set, but DATABASE_POOLER is: a migration holds a lock that belongs to its session, "
    "which a pooler does not keep; set it to the address of PostgreSQL itself"
)


class InvalidIndexes(RuntimeError):
    """A failed CREATE INDEX CONCURRENTLY has left indexes that slow down writes and are not used by queries."""


class MigrationLockHeld(Exception):
    """Another process is migrating this database. `code` is the exit code."""

    code = EXIT_LOCK_HELD


async def migrate(settings: Settings, run: Callable[[Connection], None]) -> None:
    """Run `run` on its own connection, as the only migration of the database.

    A statement that waits for a table's lock blocks every later query on the table, so the wait ends after 4 s
    (`lock_timeout`) and the migration is retried with growing pauses. Raises MigrationLockHeld, and whatever `run`
    raises.
    """
    if settings.database_pooler and settings.migration_database_url is None:
        raise ConfigurationError([NO_DIRECT_ADDRESS])
    engine = connecting_engine(
        settings.migration_url,
        poolclass=NullPool,
        connect_args={
            "server_settings": {
                "application_name": f"{settings.service_name}-migrate",
                "lock_timeout": str(LOCK_TIMEOUT_MS),
            },
        },
    )
    try:
        async with migration_lock(engine, settings.migration_wait_seconds):
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    async with engine.connect() as connection:
                        await connection.run_sync(run)
                        await connection.commit()
                    break
                except DBAPIError as error:
                    if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE or attempt == ATTEMPTS:
                        raise
                    print(
                        f"migrate: a table stayed locked for {LOCK_TIMEOUT_MS // 1000} s; "
                        f"retrying in {attempt} s ({attempt} of {ATTEMPTS})",
                        file=sys.stderr,
                    )
                    await asyncio.sleep(attempt)
            async with engine.connect() as connection:
                await refuse_invalid_indexes(connection)
    finally:
        await engine.dispose()


@asynccontextmanager
async def migration_lock(engine: AsyncEngine, wait_seconds: float) -> AsyncIterator[None]:
    """Hold the session's advisory lock, on its own connection outside a transaction.

    It is polled: a blocking pg_advisory_lock holds a snapshot, and CREATE INDEX CONCURRENTLY in the process that has
    the lock would wait for that snapshot indefinitely.
    """
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        deadline = time.monotonic() + wait_seconds
        while not await connection.scalar(text("SELECT pg_try_advisory_lock(:number)"), {"number": LOCK_NUMBER}):
            if time.monotonic() >= deadline:
                raise MigrationLockHeld(
                    f"migrate: {await _holder(connection)} has been migrating this database for {wait_seconds:.0f} s; "
                    "wait for it to end, then run this again"
                )
            await asyncio.sleep(0.5)
        yield


async def _holder(connection: AsyncConnection) -> str:
    row = (
        await connection.execute(
            text(
                "SELECT a.application_name, a.pid, coalesce(host(a.client_addr), 'this machine') "
                "FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "
                "AND (l.classid::bigint << 32) + l.objid::bigint = :number "
                # The view lists the whole server's locks, and other databases may be migrating too.
                "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            ),
            {"number": LOCK_NUMBER},
        )
    ).first()
    return f"{row[0]} (pid {row[1]}, from {row[2]})" if row else "another process"


async def refuse_invalid_indexes(connection: AsyncConnection) -> None:
    """Check for invalid indexes. Raises InvalidIndexes with all of their names."""
    rows = await connection.scalars(text("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"))
    if names := sorted(rows):
        raise InvalidIndexes(
            f"invalid indexes after the migration: {', '.join(names)}; drop and recreate each "
            "(`create_index_concurrently` in app/db/online.py does both)"
        )
