"""A service whose database goes away, comes back, or no longer answers: a real process, PostgreSQL behind a proxy."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import ModuleType

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy.exc import SQLAlchemyError

from app.core.database import Database
from app.db import engine as engine_module
from app.db.connecting import NotConnected
from app.db.pool import Pool
from tests.support import databases
from tests.support.applications import application
from tests.support.identity import headers_for
from tests.support.problems import assert_problem
from tests.support.proxy import Proxy, proxied
from tests.support.service import Service, running
from tests.support.waiting import PATIENCE

CONNECT_SECONDS = 1.0
POOL_SECONDS = 1.0
STATEMENT_SECONDS = 0.5
SETTINGS = {
    "CONNECT_TIMEOUT_SECONDS": str(CONNECT_SECONDS),
    "STATEMENT_TIMEOUT_MS": str(int(STATEMENT_SECONDS * 1000)),
    "POOL_TIMEOUT_SECONDS": str(POOL_SECONDS),
    "POOL_SIZE": "3",
    "LOG_LEVEL": "ERROR",
}
# Where nothing answers: a place in the pool, the statement with what the network is given on top, then perhaps a new
# connection. A slow machine takes longer: what must not happen is that a request never ends.
LIMIT = POOL_SECONDS + STATEMENT_SECONDS + 1 + CONNECT_SECONDS
LONGEST = PROMPT = PATIENCE


@dataclass(frozen=True)
class Setup:
    """A service, what is between it and its database, and a client of it that may do everything."""

    service: Service
    proxy: Proxy
    http: AsyncClient


@asynccontextmanager
async def set_up(app: FastAPI, database_url: str) -> AsyncIterator[Setup]:
    async with proxied(database_url) as proxy:
        with running(proxy.url, **SETTINGS) as service:
            async with AsyncClient(base_url=service.url, headers=headers_for(app=app), timeout=PATIENCE) as http:
                yield Setup(service, proxy, http)


@pytest.fixture(scope="module")
async def lasting(session_app: FastAPI, worker_name: str) -> AsyncIterator[Setup]:
    """For all tests that it must outlive."""
    url = await databases.clone(f"faults_{worker_name}")
    async with set_up(session_app, url) as setup:
        yield setup
    await databases.drop(url)


@pytest.fixture
async def setup(lasting: Setup) -> AsyncIterator[Setup]:
    await until_ok(lasting.http, "/ready")
    yield lasting
    lasting.proxy.delay = 0
    await lasting.proxy.restore()
    assert lasting.service.process.poll() is None, lasting.service.output()


async def within(seconds: float, request: Awaitable[Response]) -> Response:
    started = time.monotonic()
    answer = await request
    taken = time.monotonic() - started
    print(f"{answer.status_code} after {taken:.2f} s")
    assert taken < seconds
    return answer


async def until_ok(client: AsyncClient, path: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await client.get(path)).status_code != 200:
            await asyncio.sleep(0.05)


async def probes(client: AsyncClient) -> None:
    """Whatever the database does: alive, and in service, since all instances have the same database."""
    assert (await within(PROMPT, client.get("/health"))).status_code == 200
    assert (await within(PROMPT, client.get("/ready"))).status_code == 200


async def test_an_outage(setup: Setup, first_resource: ModuleType) -> None:
    path, http = first_resource.PATH, setup.http
    body = await first_resource.body(http)
    one = (await http.post(path, json=body)).headers["Location"]
    await setup.proxy.cut()
    for _ in range(3):
        for request in (http.get(path), http.post(path, json=body)):
            answer = await within(PROMPT, request)
            assert_problem(answer, 503, "database_unavailable")
            assert int(answer.headers["Retry-After"]) > 0
    await probes(http)
    await setup.proxy.restore()
    await until_ok(http, one)


async def test_a_short_outage_costs_no_read(setup: Setup, first_resource: ModuleType) -> None:
    """Every connection of the pool is dead, and a read opens a new one."""
    await asyncio.gather(*(until_ok(setup.http, first_resource.PATH) for _ in range(3)))
    await setup.proxy.cut()
    await setup.proxy.restore()
    assert (await setup.http.get(first_resource.PATH)).status_code == 200


async def test_a_database_that_no_longer_answers(setup: Setup, first_resource: ModuleType) -> None:
    """Connections stay open and nothing comes: every request ends, and when the way is free again, all is well."""
    path, http = first_resource.PATH, setup.http
    body = await first_resource.body(http)
    await asyncio.gather(*(until_ok(http, path) for _ in range(3)))
    setup.proxy.swallow()
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
    await setup.proxy.restore()
    await until_ok(http, path)
    for answer in await asyncio.gather(*(within(PROMPT, http.get(path)) for _ in range(6))):
        assert answer.status_code == 200


async def test_a_slow_network_is_no_fault(setup: Setup, first_resource: ModuleType) -> None:
    setup.proxy.delay = 0.05
    assert (await within(PROMPT, setup.http.get(first_resource.PATH))).status_code == 200
    created = await first_resource.create(setup.http)
    assert (await setup.http.get(f"{first_resource.PATH}/{created['id']}")).status_code == 200


async def test_a_life_without_a_database(session_app: FastAPI, own_database: str, first_resource: ModuleType) -> None:
    """Not there at the start, then there, then silent at the end, where goodbyes are not waited for either."""
    async with set_up(session_app, own_database) as setup:
        http, path = setup.http, first_resource.PATH
        await setup.proxy.cut()
        assert (await http.get("/health")).status_code == 200
        assert_problem(await within(PROMPT, http.get("/ready")), 503)
        assert_problem(await within(PROMPT, http.get(path)), 503, "database_unavailable")
        await setup.proxy.restore()
        await until_ok(http, "/ready")
        assert (await http.get(path)).status_code == 200
        setup.proxy.swallow()
        setup.service.process.terminate()
        assert await asyncio.to_thread(setup.service.process.wait, PATIENCE) == 0


@pytest.fixture
async def proxy(own_database: str) -> AsyncIterator[Proxy]:
    async with proxied(own_database) as proxy:
        yield proxy


async def test_without_limits_the_next_one_waits_for_ever(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    monkeypatch.setattr(engine_module, "_command_timeout", lambda _settings: None)
    monkeypatch.setattr(Pool, "_give_up", Pool._check_in)
    async with application(proxy.url, **{**SETTINGS, "POOL_SIZE": "1", "MAX_OVERFLOW": "0"}) as app:
        own: Database = app.state.database

        async def ask() -> None:
            await own.read(lambda connection: connection.driver.fetchval("SELECT 1"))

        await ask()
        proxy.swallow()
        for seconds in (0.2, LIMIT + 1):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(seconds) as limit:
                    await ask()
            assert limit.expired()  # and not one of the driver's own


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
        await proxy.restore()
        async with asyncio.timeout(LONGEST):
            await ask()
        proxy.swallow()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await ask()
        started = time.monotonic()
        with pytest.raises((OSError, SQLAlchemyError, NotConnected)):
            await ask()
        assert time.monotonic() - started < LONGEST
        await proxy.restore()
        async with asyncio.timeout(LONGEST):
            await ask()
