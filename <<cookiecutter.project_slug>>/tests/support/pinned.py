"""A database for one test: one connection, in a transaction that is rolled back at the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from app.core.database import Database
from app.db.driver import Connection
from app.db.pool import Pool, T, Unit


class PinnedPool(Pool):
    """Runs every unit of work on the same connection."""

    def __init__(self, engine: AsyncEngine, connection: Connection) -> None:
        super().__init__(engine)
        self._pinned = connection

    async def run(self, unit: Unit[T]) -> T:
        return await unit(self._pinned)


class PinnedDatabase(Database):
    """Every unit of work runs on the same connection, as a savepoint of the test's transaction.

    So `now()` stands still, one failed statement outside a unit spoils the rest, and two requests at once raise
    InterfaceError: a test of concurrency takes the fixture `own_database` instead.
    """

    def __init__(self, engine: AsyncEngine, connection: AsyncConnection, driver: object) -> None:
        super().__init__(engine)
        self._connection = connection
        self._pool = PinnedPool(engine, Connection(driver))

    async def write(self, unit: Unit[T], *, single: bool = False) -> T:
        # Always a savepoint: a single statement that fails would spoil the test's transaction.
        return await super().write(unit)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        # What the session begins and commits is a savepoint: asyncpg counts the transaction that is open already.
        async with AsyncSession(self._connection, expire_on_commit=False) as session:
            yield session


@asynccontextmanager
async def pinned(engine: AsyncEngine) -> AsyncIterator[PinnedDatabase]:
    async with engine.connect() as connection:
        raw = await connection.get_raw_connection()
        driver: Any = raw.driver_connection
        # SQLAlchemy's own begin() starts nothing on the driver: raw writes would survive its rollback.
        transaction = driver.transaction()
        await transaction.start()
        try:
            yield PinnedDatabase(engine, connection, driver)
        finally:
            await transaction.rollback()
