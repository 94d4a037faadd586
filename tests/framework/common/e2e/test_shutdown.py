"""The end of a process under load: nobody's request fails. With the drain taken out, some do."""

import asyncio
import signal

import httpx2
import pytest
from fastapi import FastAPI

from app.server.draining import SAME_SIGNAL_SECONDS
from tests.factories import FACTORIES
from tests.support.identity import headers_for
from tests.support.keepalive import Tally, clients
from tests.support.service import Service, running
from tests.support.waiting import PATIENCE, until

CLIENTS = 200
PAUSE_SECONDS = 1.0  # the clients are not to be what is too much


async def stop_under_load(app: FastAPI, database_url: str, drain_seconds: float) -> tuple[Service, Tally]:
    """SIGTERM while all clients are at work; the service that has ended, and what the clients saw."""
    path = FACTORIES[0].PATH if FACTORIES else "/health"
    tally = Tally()
    patience = {"QUEUE_SECONDS": "10", "POOL_TIMEOUT_SECONDS": "10"}
    settings = {"DRAIN_SECONDS": str(drain_seconds), "LOG_LEVEL": "WARNING", **patience}
    with running(database_url, **settings) as service:
        traffic = asyncio.create_task(
            clients(service.address, path, headers_for(app=app), count=CLIENTS, pause=PAUSE_SECONDS, tally=tally)
        )
        while tally.answered < 2 * CLIENTS and not traffic.done():
            await asyncio.sleep(0.05)
        assert tally.failures == []
        service.process.send_signal(signal.SIGTERM)
        await traffic
        await asyncio.to_thread(service.process.wait, PATIENCE)
    return service, tally


async def test_no_request_fails(session_app: FastAPI, own_database: str) -> None:
    service, tally = await stop_under_load(session_app, own_database, drain_seconds=5)
    assert tally.failures == []
    assert tally.left == tally.connected == CLIENTS
    assert service.process.returncode == 0


async def test_without_the_drain_requests_fail(session_app: FastAPI, own_database: str) -> None:
    _, tally = await stop_under_load(session_app, own_database, drain_seconds=0)
    assert tally.failures


async def test_a_draining_service_answers_but_is_not_ready(own_database: str) -> None:
    with running(own_database, DRAIN_SECONDS="60") as service:
        service.process.send_signal(signal.SIGTERM)
        await until(lambda: httpx2.get(f"{service.url}/ready").status_code != 200, "/ready to refuse")
        assert httpx2.get(f"{service.url}/ready").status_code == 503
        alive = httpx2.get(f"{service.url}/health")
        assert alive.status_code == 200
        assert alive.headers["Connection"] == "close"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_it_at_once(own_database: str, number: signal.Signals) -> None:
    with running(own_database, DRAIN_SECONDS="60") as service:
        service.process.send_signal(signal.SIGTERM)
        while httpx2.get(f"{service.url}/health").headers.get("Connection") != "close":
            await asyncio.sleep(0.02)
        await asyncio.sleep(SAME_SIGNAL_SECONDS + 0.1)  # what comes sooner is the same signal
        service.process.send_signal(number)
        assert await asyncio.to_thread(service.process.wait, PATIENCE) == 128 + number
