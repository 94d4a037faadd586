"""The data path meets trouble: cancelled requests, dead connections, contention, a schema that changes, a full pool.

Each on real connections; what the mechanism is worth shows in a control without it.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from app.core import database as module
from app.core.database import Database
from app.db.driver import Connection
from tests.support.applications import application
from tests.support.waiting import PATIENCE

SLEEP = "SELECT pg_sleep(3600)"  # longer than a test would wait


@pytest.fixture
async def own(own_database: str) -> AsyncIterator[Database]:
    """Without a time limit of PostgreSQL, which would end SLEEP in place of what is tested."""
    async with application(own_database, STATEMENT_TIMEOUT_MS="0") as app:
        database: Database = app.state.database
        yield database


@pytest.fixture
async def admin(own_database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(own_database)
    await connection.execute("CREATE TABLE own__things (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)")
    await connection.execute("INSERT INTO own__things SELECT generate_series(1, 3)")
    yield connection
    await connection.close()


async def others(admin: asyncpg.Connection) -> list[tuple[str, str]]:
    """State and query of every connection to the database but this one."""
    rows = await admin.fetch(
        "SELECT state, query FROM pg_stat_activity "
        "WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    return [(row["state"], row["query"]) for row in rows]


async def until_idle(admin: asyncpg.Connection) -> None:
    async with asyncio.timeout(PATIENCE):
        while any(state != "idle" for state, _ in await others(admin)):
            await asyncio.sleep(0.01)


async def until_given_back(own: Database) -> None:
    async with asyncio.timeout(PATIENCE):
        while (own.figures().used, own.figures().waiting) != (0, 0):
            await asyncio.sleep(0.01)


async def until_running(admin: asyncpg.Connection, query: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while ("active", query) not in await others(admin):
            await asyncio.sleep(0.01)


async def value(connection: Connection) -> Any:
    return await connection.driver.fetchval("SELECT 1")


async def sleep(connection: Connection) -> None:
    await connection.driver.execute("UPDATE own__things SET n = n + 1")
    await connection.driver.execute(SLEEP)


# Cancelled, timed out, left open.


@pytest.mark.parametrize("unit", ["read", "write"])
async def test_a_cancelled_request_leaves_nothing_behind(own: Database, admin: asyncpg.Connection, unit: str) -> None:
    task = asyncio.create_task(getattr(own, unit)(sleep))
    await until_running(admin, SLEEP)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # The next one does not wait for the sleep to end, and finds no open transaction.
    async with asyncio.timeout(PATIENCE):
        assert await own.read(value) == 1
    await until_idle(admin)
    await until_given_back(own)
    assert await admin.fetchval("SELECT sum(n) FROM own__things") == (3 if unit == "read" else 0)


async def test_a_request_that_took_too_long_leaves_nothing_behind(own: Database, admin: asyncpg.Connection) -> None:
    await own.read(value)  # a connection is there: what takes too long is the statement
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await own.write(sleep)
    async with asyncio.timeout(PATIENCE):
        assert await own.read(value) == 1
    await until_idle(admin)
    assert await admin.fetchval("SELECT sum(n) FROM own__things") == 0


async def test_whenever_it_is_cancelled(own: Database, admin: asyncpg.Connection) -> None:
    """At 400 moments: before the connection, in BEGIN, in the statement, in COMMIT."""
    done = 0

    async def unit(connection: Connection) -> None:
        await connection.driver.execute("UPDATE own__things SET n = n + 1 WHERE id = 1")
        await connection.driver.execute("UPDATE own__things SET n = n - 1 WHERE id = 2")

    for moment in range(400):
        task = asyncio.create_task(own.write(unit))
        await asyncio.sleep(moment % 100 / 10_000)
        task.cancel()
        [result] = await asyncio.gather(task, return_exceptions=True)
        assert result is None or isinstance(result, asyncio.CancelledError)
        done += result is None
    async with asyncio.timeout(PATIENCE):
        assert await own.read(value) == 1
    await until_idle(admin)
    await until_given_back(own)
    rows = await admin.fetch("SELECT n FROM own__things WHERE id < 3 ORDER BY id")
    plus, minus = rows[0]["n"], rows[1]["n"]
    # A commit whose answer nobody waited for may have happened; half a transaction never.
    assert plus == -minus
    assert plus >= done


async def test_one_that_waits_for_a_connection_is_cancelled(own_database: str, admin: asyncpg.Connection) -> None:
    async with application(own_database, POOL_SIZE="1", MAX_OVERFLOW="0") as app:
        own: Database = app.state.database
        holder = asyncio.create_task(own.read(sleep))
        await until_running(admin, SLEEP)
        waiter = asyncio.create_task(own.read(value))
        await asyncio.sleep(0.05)
        assert own.figures().waiting == 1
        for task in (waiter, holder):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert await own.read(value) == 1
        await until_given_back(own)
        assert own.figures().idle == 1


@pytest.mark.parametrize("careful", [True, False])
async def test_one_that_is_cancelled_in_begin_spoils_no_other(
    own_database: str, monkeypatch: pytest.MonkeyPatch, careful: bool
) -> None:
    """asyncpg takes the transaction for begun, and would open savepoints in nothing from then on."""
    driver = await asyncpg.connect(own_database)

    async def cancelled(*_: object) -> str:
        raise asyncio.CancelledError

    transaction = Connection(driver).transaction() if careful else driver.transaction()
    with monkeypatch.context() as patch:
        patch.setattr(asyncpg.Connection, "execute", cancelled)
        with pytest.raises(asyncio.CancelledError):
            await transaction.__aenter__()
    assert driver.is_closed() is careful
    if not careful:
        assert not driver.is_in_transaction()
        with pytest.raises(asyncpg.NoActiveSQLTransactionError):
            await driver.transaction().start()
        await driver.close()


@pytest.mark.parametrize("looks", [True, False])
async def test_an_open_transaction_is_not_given_to_the_next(
    own: Database, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, looks: bool
) -> None:
    if not looks:
        monkeypatch.setattr(own._pool, "_check_in", lambda pooled, _connection: pooled.close())

    async def begin(connection: Connection) -> None:
        await connection.driver.execute("BEGIN")
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - our own
        await own.read(begin)

    async def is_open(connection: Connection) -> bool:
        return connection.driver.is_in_transaction()

    assert await own.read(is_open) is not looks


# Connections that died while idle.


async def kill(admin: asyncpg.Connection) -> None:
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


async def fill(own: Database) -> None:
    """Have several connections idle in the pool."""
    await asyncio.gather(*(own.read(lambda c: c.driver.fetchval("SELECT pg_sleep(0.1)")) for _ in range(4)))
    assert own.figures().idle == 4


async def test_dead_connections_are_noticed(own: Database, admin: asyncpg.Connection) -> None:
    await fill(own)
    await kill(admin)
    async with asyncio.timeout(PATIENCE):
        while await others(admin):
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)  # the news is in the sockets, and the loop reads it
    assert await own.write(value) == 1
    assert own.figures().used == 0


@pytest.mark.parametrize("retried", [True, False])
async def test_a_read_that_meets_a_dead_connection_is_run_once_more(
    own: Database, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, retried: bool
) -> None:
    if not retried:
        monkeypatch.setattr(module, "DEAD_CONNECTION", ())
    runs = 0

    async def unit(connection: Connection) -> Any:
        nonlocal runs
        runs += 1
        if runs == 1:
            await kill(admin)
        return await value(connection)

    await fill(own)
    if retried:
        assert (await own.read(unit), runs) == (1, 2)
    else:
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError)):
            await own.read(unit)
    assert own.figures().used == 0


async def test_a_write_that_meets_a_dead_connection_is_not(own: Database, admin: asyncpg.Connection) -> None:
    """The outcome is unknown."""
    runs = 0

    async def unit(connection: Connection) -> None:
        nonlocal runs
        runs += 1
        await kill(admin)
        await value(connection)

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError)):
        await own.write(unit)
    assert runs == 1
    assert await own.write(value) == 1
