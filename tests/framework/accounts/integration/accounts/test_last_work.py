"""SIGTERM right after a registration: what waits is done before the process ends."""

import httpx2
import pytest
from fastapi import FastAPI

from app.accounts import background
from tests.integration.accounts.conftest import PASSWORD
from tests.support.service import running
from tests.support.waiting import PATIENCE

COUNT = "SELECT count(*) FROM users WHERE email_folded = 'eve@example.com'"


async def registered_and_stopped(own_app: FastAPI, own_database: str) -> int:
    """Return the number of users in the database of a process that got SIGTERM after its answer."""
    body = {"email": "eve@example.com", "password": PASSWORD}
    with running(own_database, ACCOUNTS_REGISTRATION="open", DRAIN_SECONDS="0") as service:
        answer = httpx2.post(f"{service.url}/api/v1/auth/register", json=body, timeout=PATIENCE)
        assert answer.status_code == 202
        service.process.terminate()
        assert service.process.wait(PATIENCE) == 0
        assert "dropped" not in service.output()
    found: int = await own_app.state.database.read(lambda connection: connection.driver.fetchval(COUNT))
    return found


async def test_what_waits_is_done_before_the_end(own_app: FastAPI, own_database: str) -> None:
    assert await registered_and_stopped(own_app, own_database) == 1


async def test_work_that_waits_has_not_begun(own_app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without the end of the lifespan, the registration is still to be made."""
    monkeypatch.setattr(background, "PAUSE", (3600.0, 3600.0))
    transport = httpx2.ASGITransport(own_app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        body = {"email": "eve@example.com", "password": PASSWORD}
        assert (await client.post("/api/v1/auth/register", json=body)).status_code == 202
    assert await own_app.state.database.read(lambda connection: connection.driver.fetchval(COUNT)) == 0
