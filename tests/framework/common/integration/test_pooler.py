"""DATABASE_POOLER: what a connection may keep that other clients share is nothing at all."""

import asyncpg
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.core.config import ConfigurationError, Settings
from app.core.database import Database
from app.db.migrations import migrate
from tests.support.applications import application

LIMITS = {"STATEMENT_TIMEOUT_MS": "400", "LOCK_TIMEOUT_MS": "300"}
SHOW = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('jit')"
NAMED = "SELECT count(*) FROM pg_prepared_statements"


def database_of(app: FastAPI) -> Database:
    database: Database = app.state.database
    return database


async def limits(database: Database, how: str) -> list[str]:
    if how == "session":
        async with database.session() as session:
            return list((await session.execute(text(SHOW))).one())
    unit = database.read if how == "read" else database.write
    [row] = await unit(lambda connection: connection.driver.fetch(SHOW))
    return list(row.values())


@pytest.mark.parametrize("how", ["read", "write", "session"])
async def test_limits_hold_in_every_unit_and_end_with_it(own_database: str, how: str) -> None:
    async with application(own_database, DATABASE_POOLER="true", POOL_SIZE="1", **LIMITS) as app:
        database = database_of(app)
        assert await limits(database, how) == ["400ms", "300ms", "off"]
        with pytest.raises(asyncpg.QueryCanceledError):
            await database.write(lambda connection: connection.driver.execute("SELECT pg_sleep(30)"), single=True)
        raw = await database.engine.raw_connection()
        driver = raw.driver_connection
        assert isinstance(driver, asyncpg.Connection)
        left = await driver.fetchrow(SHOW)
        assert left is not None
        assert list(left)[:2] == ["0", "0"]
        raw.close()


@pytest.mark.parametrize(("pooler", "kept"), [("true", False), ("false", True)])
async def test_no_prepared_statement_has_a_name(own_database: str, pooler: str, kept: bool) -> None:
    """Without the setting they have, which is the negative control."""
    async with application(own_database, DATABASE_POOLER=pooler, POOL_SIZE="1") as app:
        database = database_of(app)
        await database.read(lambda connection: connection.driver.fetch("SELECT $1::int", 1))
        await database.write(lambda connection: connection.driver.fetch("SELECT $1::int", 1), single=True)
        async with database.session() as session:
            assert await session.scalar(text("SELECT CAST(:x AS int)").bindparams(x=5)) == 5
        count = await database.write(lambda connection: connection.driver.fetchval(NAMED))
        assert (count > 0) is kept


async def test_a_single_statement_is_a_transaction_too(own_database: str) -> None:
    """Parse and Execute of one query would go to two servers."""
    async with application(own_database, DATABASE_POOLER="true") as app:
        database = database_of(app)

        async def inside(connection: object) -> bool:
            return bool(connection.driver.is_in_transaction())  # type: ignore[attr-defined]

        assert await database.read(inside)
        assert await database.write(inside, single=True)


async def test_a_migration_needs_an_address_past_the_pooler() -> None:
    with pytest.raises(ConfigurationError, match="MIGRATION_DATABASE_URL is not set"):
        await migrate(Settings(database_pooler=True), lambda _: None)
