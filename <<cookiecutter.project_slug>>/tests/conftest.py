"""Fixtures: a migrated database for each worker, a transaction for each test, clients with any scopes."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import hypothesis
import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from hypothesis import HealthCheck
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.config import Settings, get_settings
from app.core.database import Database, make_engine
from app.db.schema import Undecided, require_one_head
from app.main import create_app
from tests.support import databases, surroundings
from tests.support.identity import headers_for
from tests.support.pinned import PinnedDatabase, pinned
from toolkit.dev.postgres import run

# How fast a machine is, no test asserts; the seed stays as Hypothesis chooses it.
hypothesis.settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.settings.load_profile("unhurried")

ClientAs = Callable[..., AsyncClient]
_server = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Before the workers start: find the server that all of them use.

    With DATABASE_URL set it is that one, in databases of their own named test_*; else an embedded PostgreSQL.
    """
    if hasattr(config, "workerinput"):
        return
    if os.environ.get("ENVIRONMENT") in ("staging", "production"):
        raise pytest.UsageError(f"ENVIRONMENT is {os.environ['ENVIRONMENT']}: tests never run on its database.")
    try:
        require_one_head()
    except Undecided as error:
        raise pytest.UsageError(f"No database can be migrated for the tests: {error.problems[0]}.") from None
    given = os.environ.get("DATABASE_URL", "").strip()
    surroundings.forget()
    os.environ[databases.SERVER] = databases.plain(given) if given else _server.enter_context(run.scratch())
    os.environ[databases.RUN] = uuid.uuid4().hex[:8]
    os.environ["ENVIRONMENT"] = "test"
    if given:
        _server.callback(lambda: asyncio.run(databases.clean_up()))


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        _server.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "e2e" in Path(item.path).parts:
            item.add_marker("e2e")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
async def database_url(worker_name: str) -> str:
    """A database at the schema's head, this worker's own."""
    return await databases.clone(worker_name)


@pytest.fixture(scope="session")
def worker_name() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def settings(database_url: str) -> Settings:
    # By the environment, as in life: what reads the settings itself sees the same.
    os.environ["DATABASE_URL"] = database_url
    get_settings.cache_clear()
    return get_settings()


@pytest.fixture(scope="session")
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(settings)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
def session_app(settings: Settings) -> FastAPI:
    return create_app()


@pytest.fixture
async def database(engine: AsyncEngine) -> AsyncIterator[PinnedDatabase]:
    """The worker's database inside a transaction that ends with the test."""
    async with pinned(engine) as database:
        yield database


@pytest.fixture
def app(session_app: FastAPI, database: Database) -> Iterator[FastAPI]:
    """The application on the test's own transaction."""
    original = session_app.state.database
    session_app.state.database = database
    yield session_app
    session_app.state.database = original


@pytest.fixture
async def client_as(app: FastAPI) -> AsyncIterator[ClientAs]:
    """Makes clients whose token holds just the scopes named: `client_as("products:read")`."""
    async with AsyncExitStack() as stack:
        transport = ASGITransport(app, raise_app_exceptions=False)

        def make(*scopes: str) -> AsyncClient:
            client = AsyncClient(transport=transport, base_url="http://test", headers=headers_for(*scopes))
            stack.push_async_callback(client.aclose)
            return client

        yield make


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[AsyncClient]:
    """A client that may do everything."""
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://test", headers=headers_for(app=app)) as client:
        yield client


@pytest.fixture
async def own_database() -> AsyncIterator[str]:
    """The URL of a database that this test alone has, for what needs several connections or real commits."""
    url = await databases.clone(uuid.uuid4().hex[:12])
    yield url
    await databases.drop(url)
