"""The running service and an identity provider that changes its keys or goes away."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from types import ModuleType

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.core.security import all_scopes
from tests.support.key_server import AUDIENCE, ISSUER, KeyServer, document, sign
from tests.support.problems import assert_problem
from tests.support.service import Service, running

FRESH, STALE = 1, 3  # seconds, the shortest that are allowed or nearly so
PATIENCE = 60


@pytest.fixture
def provider() -> Iterator[KeyServer]:
    server = KeyServer(document("a"))
    yield server
    server.stop()


@pytest.fixture
def service(own_database: str, provider: KeyServer) -> Iterator[Service]:
    jwt = {"JWT_JWKS_URL": provider.url, "JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE}
    bounds = {"JWT_JWKS_FRESH_SECONDS": str(FRESH), "JWT_JWKS_STALE_SECONDS": str(STALE)}
    with running(own_database, **jwt, **bounds, LOG_LEVEL="ERROR") as started:
        yield started


@pytest.fixture
async def client(service: Service) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(base_url=service.url, timeout=PATIENCE) as made:
        yield made


async def until(client: AsyncClient, path: str, headers: dict[str, str], status: int) -> Response:
    """The first answer with this status; 200 until then."""
    async with asyncio.timeout(PATIENCE):
        while (answer := await client.get(path, headers=headers)).status_code != status:
            assert answer.status_code == 200, answer.text
            await asyncio.sleep(0.05)
    return answer


async def test_withdrawn_new_and_unreachable_keys(
    client: AsyncClient, provider: KeyServer, session_app: FastAPI, first_resource: ModuleType
) -> None:
    path = first_resource.PATH
    scope = " ".join(all_scopes(session_app))
    of_a, of_b = ({"Authorization": f"Bearer {sign(kid, scope=scope)}"} for kid in ("a", "b"))
    assert (await client.get(path, headers=of_a)).status_code == 200
    provider.publish("a", "b")
    assert (await client.get(path, headers=of_b)).status_code == 200
    provider.publish("b")
    assert_problem(await until(client, path, of_a, 401), 401, "token_invalid")
    assert (await client.get(path, headers=of_b)).status_code == 200
    provider.stop()
    refused = await until(client, path, of_b, 503)
    assert_problem(refused, 503, "keys_unavailable")
    assert refused.headers["Retry-After"]
    provider.start()
    async with asyncio.timeout(PATIENCE):
        while (await client.get(path, headers=of_b)).status_code != 200:
            await asyncio.sleep(0.05)
