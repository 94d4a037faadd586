"""The database as services use it: reads, writes in transactions, and SQLAlchemy's sessions."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import Connection as SyncConnection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from app.db.driver import Connection
from app.db.engine import make_engine as make_engine
from app.db.pool import Pool, PoolFigures, T, Unit

WRITE_ATTEMPTS = 3
# A read on a connection that died while idle is retried once, on another one.
DEAD_CONNECTION = (
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    ConnectionError,
)
# The whole unit is retried: PostgreSQL rolled it back, or it was planned against a schema that has changed since.
TRY_AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.InvalidCachedStatementError)


class Database:
    """Owns the engine. `read` and `write` are the fast path; `session` is SQLAlchemy's, for everything else."""

    def __init__(self, engine: AsyncEngine, *, pooler: bool = False) -> None:
        """With a `pooler` in front, every unit is a transaction (app/db/pooler.py)."""
        self.engine = engine
        self._pooler = pooler
        self._pool = Pool(engine)
        self.sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def stop(self) -> None:
        await self._pool.stop()

    def figures(self) -> PoolFigures:
        return self._pool.figures()

    async def read(self, unit: Unit[T]) -> T:
        """Run `unit` without a transaction; retry once when its connection is dead."""
        if self._pooler:
            unit = _in_transaction(unit)
        try:
            return await self._pool.run(unit)
        except DEAD_CONNECTION:
            return await self._pool.run(unit)

    async def write(self, unit: Unit[T], *, single: bool = False) -> T:
        """Run `unit` in a transaction and commit before returning.

        `single`: the unit changes the database with one statement only. That is a transaction by itself, which saves
        the round trips of BEGIN and COMMIT: a fifth of the time of a POST.

        The unit is retried, three attempts in all, when PostgreSQL aborted it for a concurrent one (40001, 40P01) or
        the schema changed under a prepared statement: it must have no effect except on the connection.
        """
        whole = unit if single and not self._pooler else _in_transaction(unit)
        for attempt in range(1, WRITE_ATTEMPTS):
            try:
                return await self._pool.run(whole)
            except TRY_AGAIN:
                await asyncio.sleep(random.uniform(0, 0.02 * attempt))  # noqa: S311 - jitter, not a secret
        return await self._pool.run(whole)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Yield an ordinary AsyncSession. The caller commits; anything uncommitted is rolled back."""
        async with self.sessions() as session:
            yield session

    async def schema_heads(self) -> list[str]:
        """Return the database's Alembic revisions: one, several between branches, none without a schema."""

        def heads(connection: SyncConnection) -> list[str]:
            if not connection.dialect.has_table(connection, "alembic_version"):
                return []
            return list(connection.exec_driver_sql("SELECT version_num FROM alembic_version ORDER BY 1").scalars())

        async with self.engine.connect() as connection:
            return await connection.run_sync(heads)


def _in_transaction(unit: Unit[T]) -> Unit[T]:
    async def transaction(connection: Connection) -> T:
        async with connection.transaction():
            return await unit(connection)

    return transaction
