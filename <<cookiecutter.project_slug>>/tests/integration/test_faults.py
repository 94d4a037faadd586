"""A service whose database goes away, comes back, or no longer answers: a real process, PostgreSQL behind a proxy."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from types import ModuleType

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy.exc import SQLAlchemyError

from app.core.database import Database
from app.db import engine as engine_module
from tests.support.applications import application
from tests.support.identity import headers_for
from tests.support.problems import assert_problem
from tests.support.proxy import Proxy, proxied
from tests.support.service import Service, running

CONNECT_SECONDS = 0.5
STATEMENT_SECONDS = 0.5
SETTINGS = {
    "CONNECT_TIMEOUT_SECONDS": str(CONNECT_SECONDS),
    "STATEMENT_TIMEOUT_MS": str(int(STATEMENT_SECONDS * 1000)),
    "POOL_TIMEOUT_SECONDS": "0.5",
    "POOL_SIZE": "3",
    "LOG_LEVEL": "ERROR",
}
# Where nothing answers: the statement with what the network is given on top, then perhaps a new connection.
LONGEST = STATEMENT_SECONDS + 1 + CONNECT_SECONDS + 1


@pytest.fixture
async def proxy(own_database: str) -> AsyncIterator[Proxy]:
    async with proxied(own_database) as proxy:
        yield proxy


@pytest.fixture
def service(proxy: Proxy) -> Iterator[Service]:
    with running(proxy.url, **SETTINGS) as service:
        yield service


@pytest.fixture
async def http(service: Service, session_app: FastAPI) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(base_url=service.url, headers=headers_for(app=session_app), timeout=30) as client:
        yield client


async def within(seconds: float, request: Awaitable[Response]) -> Response:
    started = time.monotonic()
    answer = await request
    taken = time.monotonic() - started
    print(f"{answer.status_code} after {taken:.2f} s")
    assert taken < seconds
    return answer


async def until_ok(client: AsyncClient, path: str) -> None:
    async with asyncio.timeout(5):
        while (await client.get(path)).status_code != 200:
            await asyncio.sleep(0.05)


async def probes(client: AsyncClient) -> None:
    """Whatever the database does: alive, and in service, since all instances have the same database."""
    assert (await within(1, client.get("/health"))).status_code == 200
    assert (await within(1, client.get("/ready"))).status_code == 200


async def test_an_outage(http: AsyncClient, proxy: Proxy, service: Service, first_resource: ModuleType) -> None:
    path = first_resource.PATH
    await until_ok(http, "/ready")
    body = await first_resource.body(http)
    assert (await http.post(path, json=body)).status_code == 201
    await proxy.cut()
    for _ in range(3):
        for request in (http.get(path), http.post(path, json=body)):
            answer = await within(1, request)
            assert_problem(answer, 503, "database_unavailable")
            assert int(answer.headers["Retry-After"]) > 0
    await probes(http)
    await proxy.mend()
    await until_ok(http, path)
    assert len((await http.get(path)).json()["items"]) == 1
    assert service.process.poll() is None


async def test_a_short_outage_costs_no_read(http: AsyncClient, proxy: Proxy, first_resource: ModuleType) -> None:
    """Every connection of the pool is dead, and a read opens a new one."""
    await asyncio.gather(*(until_ok(http, first_resource.PATH) for _ in range(3)))
    await proxy.cut()
    await proxy.mend()
    assert (await http.get(first_resource.PATH)).status_code == 200


async def test_a_start_without_a_database(http: AsyncClient, proxy: Proxy, first_resource: ModuleType) -> None:
    await proxy.cut()
    assert (await http.get("/health")).status_code == 200
    assert_problem(await within(1, http.get("/ready")), 503)
    assert_problem(await within(1, http.get(first_resource.PATH)), 503, "database_unavailable")
    await proxy.mend()
    await until_ok(http, "/ready")
    assert (await http.get(first_resource.PATH)).status_code == 200


async def test_a_database_that_no_longer_answers(
    http: AsyncClient, proxy: Proxy, service: Service, first_resource: ModuleType
) -> None:
    """Connections stay open and nothing comes: every request ends, and when the way is free again, all is well."""
    path = first_resource.PATH
    await until_ok(http, "/ready")
    body = await first_resource.body(http)
    await asyncio.gather(*(until_ok(http, path) for _ in range(3)))
    proxy.swallow()
    requests = [within(LONGEST, http.get(path)) for _ in range(8)]
    requests += [within(LONGEST, http.post(path, json=body)) for _ in range(4)]
    answers = asyncio.gather(*requests)
    await probes(http)
    for answer in await answers:
        assert_problem(answer, 503)
    # Nothing is left of them that the next ones would wait for.
    for answer in await asyncio.gather(*(within(LONGEST, http.get(path)) for _ in range(6))):
        assert_problem(answer, 503)
    await probes(http)
    await proxy.mend()
    await until_ok(http, path)
    for answer in await asyncio.gather(*(within(1, http.get(path)) for _ in range(6))):
        assert answer.status_code == 200
    assert service.process.poll() is None


async def test_a_slow_network_is_no_fault(http: AsyncClient, proxy: Proxy, first_resource: ModuleType) -> None:
    await until_ok(http, "/ready")
    proxy.delay = 0.05
    assert (await within(2, http.get(first_resource.PATH))).status_code == 200
    created = await first_resource.create(http)
    assert (await http.get(f"{first_resource.PATH}/{created['id']}")).status_code == 200


async def test_an_end_while_nothing_answers(http: AsyncClient, proxy: Proxy, service: Service) -> None:
    """Goodbyes to PostgreSQL are not waited for either."""
    await until_ok(http, "/ready")
    proxy.swallow()
    service.process.terminate()
    assert await asyncio.to_thread(service.process.wait, 5) == 0


async def test_without_limits_the_next_one_waits_for_ever(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    monkeypatch.setattr(engine_module, "_command_timeout", lambda _settings: None)
    monkeypatch.setattr(Database, "_give_up", Database._check_in)
    async with application(proxy.url, **{**SETTINGS, "POOL_SIZE": "1", "MAX_OVERFLOW": "0"}) as app:
        own: Database = app.state.database

        async def ask() -> None:
            await own.read(lambda connection: connection.driver.fetchval("SELECT 1"))

        await ask()
        proxy.swallow()
        for seconds in (0.2, LONGEST):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(seconds):
                    await ask()


@pytest.mark.parametrize("unit", ["read", "write", "session"])
async def test_a_request_that_was_given_up_while_nothing_answered(proxy: Proxy, unit: str) -> None:
    """Its connection is of no use to anybody: whoever came next would wait for the end of a cancellation."""
    async with application(proxy.url, **{**SETTINGS, "POOL_SIZE": "1", "MAX_OVERFLOW": "0"}) as app:
        own: Database = app.state.database

        async def ask() -> None:
            if unit == "session":
                async with own.session() as session:
                    connection = await session.connection()
                    await connection.exec_driver_sql("SELECT 1")
            else:
                await getattr(own, unit)(lambda connection: connection.driver.fetchval("SELECT 1"))

        await ask()
        proxy.swallow()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await ask()
        await proxy.mend()
        async with asyncio.timeout(LONGEST):
            await ask()
        proxy.swallow()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await ask()
        started = time.monotonic()
        with pytest.raises((OSError, SQLAlchemyError)):
            await ask()
        assert time.monotonic() - started < LONGEST
        await proxy.mend()
        async with asyncio.timeout(LONGEST):
            await ask()
