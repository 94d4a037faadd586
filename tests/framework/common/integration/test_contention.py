"""Requests meet each other, a schema that changes, and limits: what is run again, and what ends in a prompt 503."""

import asyncio
from types import ModuleType

import asyncpg
import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core import database as module
from app.core.database import WRITE_ATTEMPTS, Database
from app.db.driver import Connection
from app.db.pool import Unit
from tests.support.applications import application, client_of
from tests.support.problems import assert_problem
from tests.support.resources import run_sql, table_of
from tests.support.waiting import PATIENCE

RAISE = "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{}'; END $$"
SLOW = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(5); RETURN NEW; END'"
TRIGGER = 'CREATE TRIGGER slow BEFORE INSERT ON "{}" FOR EACH ROW EXECUTE FUNCTION slow()'


@pytest.fixture
def own(own_app: FastAPI) -> Database:
    database: Database = own_app.state.database
    return database


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
@pytest.mark.parametrize("failures", [1, 2, 3])
async def test_a_write_that_lost_is_run_again(own: Database, sqlstate: str, failures: int) -> None:
    runs = 0

    async def unit(connection: Connection) -> int:
        nonlocal runs
        runs += 1
        if runs <= failures:
            await connection.driver.execute(RAISE.format(sqlstate))
        return runs

    if failures < WRITE_ATTEMPTS:
        assert await own.write(unit) == failures + 1
    else:
        with pytest.raises(asyncpg.PostgresError):
            await own.write(unit)
        assert runs == WRITE_ATTEMPTS
    assert own.figures().used == 0


@pytest.mark.parametrize("again", [True, False])
async def test_a_deadlock_is_solved(own: Database, monkeypatch: pytest.MonkeyPatch, again: bool) -> None:
    if not again:
        monkeypatch.setattr(module, "TRY_AGAIN", ())
    await run_sql(own, "CREATE TABLE own__things (id int, n int)", "INSERT INTO own__things VALUES (1, 0), (2, 0)")
    both = asyncio.Barrier(2)
    runs = 0

    def unit(first: int, second: int) -> Unit[None]:
        async def update(connection: Connection) -> None:
            nonlocal runs
            runs += 1
            await connection.driver.execute("UPDATE own__things SET n = n + 1 WHERE id = $1", first)
            if runs <= 2:
                await both.wait()
            await connection.driver.execute("UPDATE own__things SET n = n + 1 WHERE id = $1", second)

        return update

    results = await asyncio.gather(own.write(unit(1, 2)), own.write(unit(2, 1)), return_exceptions=True)
    failed = [result for result in results if result is not None]
    if again:
        assert failed == []
        assert runs >= 3
    else:
        assert [type(error) for error in failed] == [asyncpg.DeadlockDetectedError]


@pytest.mark.parametrize("again", [True, False])
async def test_a_migration_beneath_prepared_statements(
    own_database: str, first_resource: ModuleType, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    """In a transaction asyncpg cannot prepare again by itself, so the whole unit is retried."""
    if not again:
        monkeypatch.setattr(module, "TRY_AGAIN", ())
    resource, statuses = first_resource, []
    async with application(own_database, POOL_SIZE="1", MAX_OVERFLOW="0") as app, client_of(app) as client:
        for key in "ab":
            body = await resource.body(client)
            answer = await client.post(resource.PATH, json=body, headers={"Idempotency-Key": key})
            statuses.append(answer.status_code)
            if key == "a":
                await change_schema(own_database, table_of(resource))
    assert statuses == [201, 201 if again else 500]


async def change_schema(url: str, table: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(f'ALTER TABLE "{table}" ALTER COLUMN version TYPE bigint')
    await connection.close()


async def test_a_migration_beneath_the_api(own_database: str, resource: ModuleType) -> None:
    async with application(own_database, POOL_SIZE="1", MAX_OVERFLOW="0") as app, client_of(app) as client:
        for _ in range(2):
            body = await resource.body(client)
            one = (await client.post(resource.PATH, json=body)).headers["Location"]
            assert (await client.get(one)).status_code == 200
            assert (await client.put(one, json=body)).status_code == 200
            assert (await client.get(resource.PATH)).status_code == 200
            assert (await client.delete(one)).status_code == 204
            await change_schema(own_database, table_of(resource))


async def test_a_full_pool_is_a_prompt_503(own_database: str, first_resource: ModuleType) -> None:
    limits = {"POOL_SIZE": "1", "MAX_OVERFLOW": "0", "POOL_TIMEOUT_SECONDS": "0.2"}
    async with application(own_database, **limits) as app, client_of(app) as client:
        holder = asyncio.create_task(app.state.database.read(lambda c: c.driver.execute("SELECT pg_sleep(3600)")))
        await asyncio.sleep(0.2)
        async with asyncio.timeout(PATIENCE):
            answer = await client.get(first_resource.PATH)
        assert_problem(answer, 503, "database_busy")
        assert answer.headers["Retry-After"] == "1"
        holder.cancel()
        await asyncio.gather(holder, return_exceptions=True)
        async with asyncio.timeout(PATIENCE):
            while app.state.database.figures().used:  # the statement is called off before its connection is free
                await asyncio.sleep(0.01)
        assert (await client.get(first_resource.PATH)).status_code == 200


async def test_a_slow_statement_is_given_up(own_database: str, first_resource: ModuleType) -> None:
    resource = first_resource
    async with application(own_database, STATEMENT_TIMEOUT_MS="1000") as app, client_of(app) as client:
        body = await resource.body(client)
        await run_sql(app.state.database, SLOW, TRIGGER.format(table_of(resource)))
        assert_problem(await client.post(resource.PATH, json=body), 503, "database_timeout")
        await run_sql(app.state.database, f'DROP TRIGGER slow ON "{table_of(resource)}"')
        assert (await client.post(resource.PATH, json=body)).status_code == 201


async def test_a_row_that_stays_locked_is_given_up(own_database: str, first_resource: ModuleType) -> None:
    resource = first_resource
    async with application(own_database, LOCK_TIMEOUT_MS="150") as app, client_of(app) as client:
        body = await resource.body(client)
        one = (await client.post(resource.PATH, json=body)).headers["Location"]
        other = await asyncpg.connect(own_database)
        async with other.transaction():
            await other.execute(f'LOCK TABLE "{table_of(resource)}" IN SHARE ROW EXCLUSIVE MODE')
            answer = await client.put(one, json=body)
            assert_problem(answer, 503, "database_timeout")
            assert (await client.get(one)).status_code == 200
        await other.close()
        assert (await client.put(one, json=body)).status_code == 200


async def test_what_the_service_tells_the_server(own: Database, own_client: AsyncClient) -> None:
    async def settings(connection: Connection) -> dict[str, str]:
        rows = await connection.driver.fetch("SELECT name, setting FROM pg_settings WHERE source = 'client'")
        return {row["name"]: row["setting"] for row in rows}

    found = await own.read(settings)
    assert found["statement_timeout"] == "5000"
    assert found["lock_timeout"] == "2000"
    assert found["idle_in_transaction_session_timeout"] == "10000"
    assert found["jit"] == "off"
    assert found["application_name"]
