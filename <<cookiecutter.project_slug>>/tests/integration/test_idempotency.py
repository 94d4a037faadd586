"""Idempotency-Key: a request that is sent again is answered again, and carried out once."""

import asyncio
from types import ModuleType

import asyncpg
import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.core.database import Database
from tests.factories import FACTORIES
from tests.support.problems import assert_problem
from tests.support.resources import another_value, fields_of, run_sql, table_of

GATE = 7
AGED = "UPDATE idempotency_keys SET created_at = created_at - interval '{}'"


def keyed(key: str = "a key") -> dict[str, str]:
    return {"Idempotency-Key": key}


async def count(client: AsyncClient, resource: ModuleType) -> int:
    return len((await client.get(resource.PATH, params={"limit": 100})).json()["items"])


async def test_a_repeated_request_is_answered_again(client: AsyncClient, resource: ModuleType) -> None:
    body = await resource.body(client)
    first = await client.post(resource.PATH, json=body, headers=keyed())
    # The same request: members in another order, other white space.
    again = await client.post(resource.PATH, json=dict(reversed(body.items())), headers=keyed())
    assert first.status_code == again.status_code == 201
    assert again.json() == first.json()
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["ETag"] == first.headers["ETag"]
    assert await count(client, resource) == 1


async def test_without_a_key_it_is_carried_out_twice(client: AsyncClient, resource: ModuleType) -> None:
    for _ in range(2):
        await resource.create(client)
    assert await count(client, resource) == 2


async def test_the_answer_is_that_of_the_first_time(client: AsyncClient, first_resource: ModuleType) -> None:
    body = await first_resource.body(client)
    first = await client.post(first_resource.PATH, json=body, headers=keyed())
    assert (await client.delete(first.headers["Location"])).status_code == 204
    again = await client.post(first_resource.PATH, json=body, headers=keyed())
    assert again.json() == first.json()
    assert await count(client, first_resource) == 0


async def test_another_body_with_the_key_is_refused(client: AsyncClient, app: FastAPI, resource: ModuleType) -> None:
    body = await resource.body(client)
    assert (await client.post(resource.PATH, json=body, headers=keyed())).status_code == 201
    name = next(iter(body))
    # Values that must be unique and references are new in every body already.
    other = await resource.body(client)
    if other == body:
        other = {**body, name: another_value(body[name], fields_of(app, resource)[name])}
    assert_problem(await client.post(resource.PATH, json=other, headers=keyed()), 422, "idempotency_key_reused")
    assert (await client.post(resource.PATH, json=other, headers=keyed("another"))).status_code == 201


async def test_a_key_belongs_to_one_route(client: AsyncClient) -> None:
    if len(FACTORIES) < 2:
        pytest.skip("there is one resource at most")
    for resource in FACTORIES[:2]:
        made = await client.post(resource.PATH, json=await resource.body(client), headers=keyed())
        assert made.status_code == 201


# % if cookiecutter.auth != "none"
async def test_a_key_belongs_to_one_caller(client: AsyncClient, app: FastAPI, resource: ModuleType) -> None:
    from tests.support.identity import headers_for

    mine = await client.post(resource.PATH, json=await resource.body(client), headers=keyed())
    client.headers.update(headers_for(app=app, subject="another"))
    theirs = await client.post(resource.PATH, json=await resource.body(client), headers=keyed())
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] != theirs.json()["id"]


# % endif
async def test_a_key_is_kept_for_a_day(client: AsyncClient, database: Database, first_resource: ModuleType) -> None:
    body = await first_resource.body(client)
    first = await client.post(first_resource.PATH, json=body, headers=keyed())
    await run_sql(database, AGED.format("23 hours 59 minutes"))
    assert (await client.post(first_resource.PATH, json=body, headers=keyed())).json() == first.json()
    await run_sql(database, AGED.format("2 minutes"))
    later = await client.post(first_resource.PATH, json=await first_resource.body(client), headers=keyed())
    assert later.status_code == 201
    assert later.json()["id"] != first.json()["id"]


async def test_old_keys_go_two_for_one(client: AsyncClient, database: Database, first_resource: ModuleType) -> None:
    async def post(key: str) -> None:
        made = await client.post(first_resource.PATH, json=await first_resource.body(client), headers=keyed(key))
        assert made.status_code == 201

    async def kept() -> set[str]:
        rows = await database.read(lambda connection: connection.driver.fetch("SELECT key FROM idempotency_keys"))
        return {row["key"] for row in rows}

    for key in "abc":
        await post(key)
    assert await kept() == {"a", "b", "c"}  # what is not over stays
    await run_sql(database, AGED.format("25 hours"))
    await post("d")
    assert len(await kept()) == 2
    await post("e")
    assert await kept() == {"d", "e"}


async def test_a_create_that_failed_is_not_remembered(
    client: AsyncClient, database: Database, resource: ModuleType
) -> None:
    body, table = await resource.body(client), table_of(resource)
    await run_sql(database, f'ALTER TABLE "{table}" ADD CONSTRAINT never CHECK (version < 0) NOT VALID')
    assert_problem(await client.post(resource.PATH, json=body, headers=keyed()), 422, "check_failed")
    await run_sql(database, f'ALTER TABLE "{table}" DROP CONSTRAINT never')
    assert (await client.post(resource.PATH, json=body, headers=keyed())).status_code == 201
    assert await count(client, resource) == 1


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_has_1_to_255_characters(client: AsyncClient, first_resource: ModuleType, key: str) -> None:
    body = await first_resource.body(client)
    assert_problem(await client.post(first_resource.PATH, json=body, headers=keyed(key)), 422)


async def test_several_at_once_make_one(
    own_app: FastAPI, own_database: str, own_client: AsyncClient, first_resource: ModuleType
) -> None:
    """While the first is in progress the others get 409; later ones get its response."""
    resource = first_resource
    body = await resource.body(own_client)
    await run_sql(own_app.state.database, *gated_inserts(table_of(resource)))
    gate = await asyncpg.connect(own_database)
    await gate.execute("SELECT pg_advisory_lock($1)", GATE)

    async def post() -> Response:
        return await own_client.post(resource.PATH, json=body, headers=keyed())

    pending = {asyncio.create_task(post()) for _ in range(5)}
    while len(pending) > 1:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            assert_problem(task.result(), 409, "idempotency_in_progress")
            assert task.result().headers["Retry-After"] == "1"
    await gate.close()
    assert (await pending.pop()).status_code == 201
    assert await count(own_client, resource) == 1
    assert (await post()).status_code == 201
    assert await count(own_client, resource) == 1


def gated_inserts(table: str) -> tuple[str, ...]:
    """Each waits until the gate is free; in small sleeps, since a lock is soon given up (LOCK_TIMEOUT_MS)."""
    wait = f"WHILE NOT pg_try_advisory_xact_lock({GATE}) LOOP PERFORM pg_sleep(0.05); END LOOP"
    return (
        f"CREATE FUNCTION gated() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {wait}; RETURN NEW; END'",
        f'CREATE TRIGGER gated BEFORE INSERT ON "{table}" FOR EACH ROW EXECUTE FUNCTION gated()',
    )


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_that_cannot_be_kept(client: AsyncClient, resource: ModuleType, key: str) -> None:
    body = await resource.body(client)
    problem = assert_problem(await client.post(resource.PATH, json=body, headers=keyed(key)), 422, "invalid")
    assert problem["errors"][0]["parameter"] == "Idempotency-Key"
