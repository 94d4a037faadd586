"""A running service: the one at BASE_URL, or one that is started here.

At BASE_URL, tests/support/identity.py has the caller who may do everything.
"""

import os
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from tests.support import databases
from tests.support.identity import deployed_headers, headers_for
from tests.support.service import running
from tests.support.waiting import PATIENCE


@pytest.fixture(scope="session")
async def base_url() -> AsyncIterator[str]:
    if given := os.environ.get("BASE_URL"):
        yield given.rstrip("/")
        return
    url = await databases.clone(f"e2e_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")
    with running(url) as service:
        yield service.url
    await databases.drop(url)


@pytest.fixture(scope="session")
async def http(base_url: str, session_app: FastAPI) -> AsyncIterator[AsyncClient]:
    """A client of the running service that may do everything. What it makes, it takes away at the end, where it can."""
    made: list[str] = []

    async def remember(response: Response) -> None:
        if response.status_code == 201 and (location := response.headers.get("Location")):
            made.append(str(response.url.join(location)))

    if os.environ.get("BASE_URL"):
        headers = await deployed_headers(base_url)
    else:
        headers = headers_for(app=session_app)
    hooks: dict[str, list[Callable[..., Any]]] = {"response": [remember]}
    async with AsyncClient(base_url=base_url, headers=headers, timeout=PATIENCE, event_hooks=hooks) as client:
        yield client
        for one in reversed(made):  # what refers to another came after it
            await client.delete(one)
