"""The database: one engine, one pool, and the two units of work that requests consist of."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple, TypeVar, cast

import asyncpg
from sqlalchemy import Connection as SyncConnection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from app.db.connecting import NotConnected
from app.db.driver import Connection, DialectError
from app.db.engine import make_engine as make_engine

T = TypeVar("T")
Unit = Callable[[Connection], Awaitable[T]]

WRITE_ATTEMPTS = 3
# Seconds for cancelling an abandoned query before its connection is closed.
SETTLE_SECONDS = 2.0
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


class PoolFigures(NamedTuple):
    used: int
    idle: int
    maximum: int
    waiting: int


class Database:
    """Owns the engine. `read` and `write` are the fast path; `session` is SQLAlchemy's, for everything else."""

    def __init__(self, engine: AsyncEngine, *, pooler: bool = False) -> None:
        """With a `pooler` in front, every unit is a transaction (app/db/pooler.py)."""
        self.engine = engine
        self._pooler = pooler
        self.sessions = async_sessionmaker(engine, expire_on_commit=False)
        self.waiting = 0
        self._settling: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        for task in self._settling:
            task.cancel()
        await asyncio.gather(*self._settling, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                await self.engine.dispose()

    async def read(self, unit: Unit[T]) -> T:
        """Run `unit` without a transaction; retry once when its connection is dead."""
        if self._pooler:
            unit = _in_transaction(unit)
        try:
            return await self._run(unit)
        except DEAD_CONNECTION:
            return await self._run(unit)

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
                return await self._run(whole)
            except TRY_AGAIN:
                await asyncio.sleep(random.uniform(0, 0.02 * attempt))  # noqa: S311 - jitter, not a secret
        return await self._run(whole)

    async def _run(self, unit: Unit[T]) -> T:
        pooled, connection = await self._check_out()
        try:
            result = await unit(connection)
        except (asyncio.CancelledError, TimeoutError):
            self._give_up(pooled, connection)
            raise
        except asyncpg.InternalClientError as error:
            # The server's final message arrived while the connection was idle: asyncpg fails on it.
            connection.driver.terminate()
            self._check_in(pooled, connection)
            raise asyncpg.InterfaceError("the server ended the connection") from error
        except BaseException:
            self._check_in(pooled, connection)
            raise
        self._check_in(pooled, connection)
        return result

    async def _check_out(self) -> tuple[PoolProxiedConnection, Connection]:
        self.waiting += 1
        try:
            # Idle connections that the server has closed are dropped; each pass leaves one fewer.
            while True:
                pooled = await self._from_pool()
                connection = Connection(pooled.driver_connection)
                if not connection.driver.is_closed():
                    return pooled, connection
                pooled.invalidate()
        finally:
            self.waiting -= 1

    async def _from_pool(self) -> PoolProxiedConnection:
        """Take a connection. Raises NotConnected, and SQLAlchemy's TimeoutError when all connections stay in use."""
        try:
            return await self.engine.raw_connection()
        except DialectError as error:  # of the dialect's queries on a new connection before its first use
            raise NotConnected(error.__cause__ or error) from error

    def _check_in(self, pooled: PoolProxiedConnection, connection: Connection) -> None:
        """Return a connection to the pool, but never one inside a transaction."""
        driver = connection.driver
        if driver.is_closed() or driver.is_in_transaction():
            driver.terminate()
            pooled.invalidate()
        else:
            pooled.close()

    def _give_up(self, pooled: PoolProxiedConnection, connection: Connection) -> None:
        """Return the connection later: its query was abandoned.

        asyncpg cancels it on the server, and the next user of the connection waits for that: indefinitely, if the
        network is down.
        """

        async def settle() -> None:
            async with asyncio.timeout(SETTLE_SECONDS):
                await connection.driver.execute("SELECT 1")

        def settled(task: asyncio.Task[None]) -> None:
            self._settling.discard(task)
            if task.cancelled() or task.exception() is not None:
                connection.driver.terminate()
            self._check_in(pooled, connection)

        settling = asyncio.create_task(settle())
        self._settling.add(settling)
        settling.add_done_callback(settled)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Yield an ordinary AsyncSession. The caller commits; anything uncommitted is rolled back."""
        async with self.sessions() as session:
            yield session

    def figures(self) -> PoolFigures:
        pool = cast(QueuePool, self.engine.sync_engine.pool)
        return PoolFigures(
            used=pool.checkedout(),
            idle=pool.checkedin(),
            maximum=pool.size() + max(pool._max_overflow, 0),
            waiting=self.waiting,
        )

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
