"""Connections of SQLAlchemy's pool: one for each unit of work, and its return to the pool."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple, TypeVar, cast

import asyncpg
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from app.db.connecting import NotConnected
from app.db.driver import Connection, DialectError

T = TypeVar("T")
Unit = Callable[[Connection], Awaitable[T]]

# Seconds for cancelling an abandoned query before its connection is closed.
SETTLE_SECONDS = 2.0


class PoolFigures(NamedTuple):
    used: int
    idle: int
    maximum: int
    waiting: int


class Pool:
    """Runs units of work, each on its own connection. Raises what the unit raises, and NotConnected."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._waiting = 0
        self._settling: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        for task in self._settling:
            task.cancel()
        await asyncio.gather(*self._settling, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                await self._engine.dispose()

    def figures(self) -> PoolFigures:
        pool = cast(QueuePool, self._engine.sync_engine.pool)
        return PoolFigures(
            used=pool.checkedout(),
            idle=pool.checkedin(),
            maximum=pool.size() + max(pool._max_overflow, 0),
            waiting=self._waiting,
        )

    async def run(self, unit: Unit[T]) -> T:
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
        self._waiting += 1
        try:
            # Idle connections that the server has closed are dropped; each pass leaves one fewer.
            while True:
                pooled = await self._from_pool()
                connection = Connection(pooled.driver_connection)
                if not connection.driver.is_closed():
                    return pooled, connection
                pooled.invalidate()
        finally:
            self._waiting -= 1

    async def _from_pool(self) -> PoolProxiedConnection:
        """Take a connection. Raises NotConnected, and SQLAlchemy's TimeoutError when all connections stay in use."""
        engine = self._engine.sync_engine
        if cast(QueuePool, engine.pool).checkedin():
            try:
                return engine.raw_connection()  # without a greenlet: a seventh of the time of a GET
            except MissingGreenlet:
                pass  # the connection is due to be reopened, and only that needs a greenlet
        try:
            return await self._engine.raw_connection()
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
