"""Fixtures of tests that hold for every resource, whatever the resources are."""

import uuid
from collections.abc import AsyncIterator
from types import ModuleType

import asyncpg
import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from tests.factories import FACTORIES
from tests.support import databases
from tests.support.applications import application, client_of


@pytest.fixture(params=FACTORIES, ids=[factory.PATH.rpartition("/")[2] for factory in FACTORIES])
def resource(request: pytest.FixtureRequest) -> ModuleType:
    """Each resource in turn: its module in tests/factories."""
    module: ModuleType = request.param
    return module


@pytest.fixture
def first_resource() -> ModuleType:
    if not FACTORIES:
        pytest.skip("there is no resource")
    return FACTORIES[0]


@pytest.fixture
async def own_app(own_database: str) -> AsyncIterator[FastAPI]:
    """An application on a database that this test alone has: real connections, real commits."""
    async with application(own_database) as app:
        yield app


@pytest.fixture
async def own_client(own_app: FastAPI) -> AsyncIterator[AsyncClient]:
    async with client_of(own_app) as client:
        yield client


@pytest.fixture
async def empty_database() -> AsyncIterator[str]:
    url = await databases.create_empty(uuid.uuid4().hex[:12])
    yield url
    await databases.drop(url)


@pytest.fixture
async def admin(own_database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection beside the application's own."""
    connection = await asyncpg.connect(own_database, server_settings={"application_name": "the other one"})
    yield connection
    await connection.close()
