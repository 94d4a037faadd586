"""A server that listens while the application is being put together."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message

from app.core.config import ConfigurationError, Settings
from app.lifecycle import Lifecycle
from app.server import early_start
from app.server.early_start import EarlyStart
from tests.support.waiting import PATIENCE


@pytest.fixture(autouse=True)
def collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """The collector of the test run stays as it is."""
    monkeypatch.setattr(early_start, "gc", type("gc", (), {name: lambda *_: None for name in dir(gc)}))


def application(ended: list[str] | None = None) -> Starlette:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        if ended is not None:
            ended.append("ended")

    async def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse("the application")

    return Starlette(routes=[Route("/{path:path}", answer)], lifespan=lifespan)


@asynccontextmanager
async def served(make: Callable[[], Starlette], lifecycle: Lifecycle) -> AsyncIterator[tuple[EarlyStart, AsyncClient]]:
    """As a server does it: the lifespan around all requests."""
    served = EarlyStart(make, Settings(), lifecycle)
    incoming: asyncio.Queue[Message] = asyncio.Queue()
    sent: list[str] = []

    async def send(message: Message) -> None:
        sent.append(message["type"])

    incoming.put_nowait({"type": "lifespan.startup"})
    living = asyncio.create_task(served({"type": "lifespan"}, incoming.get, send))
    while not sent:
        await asyncio.sleep(0)
    async with AsyncClient(transport=ASGITransport(served), base_url="http://test") as client:
        yield served, client
    incoming.put_nowait({"type": "lifespan.shutdown"})
    await living
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_it_lives_before_it_works(clean_environment: pytest.MonkeyPatch) -> None:
    release, ended = threading.Event(), list[str]()

    def make() -> Starlette:
        assert release.wait(PATIENCE)
        return application(ended)

    async with served(make, Lifecycle()) as (_, client):
        early = await client.get("/health", headers={"X-Request-ID": "mine"})
        assert early.json()["status"] == "ok"
        assert early.headers["X-Request-ID"] == "mine"
        assert early.headers["X-Content-Type-Options"] == "nosniff"
        held = asyncio.create_task(client.get("/ready"))
        await asyncio.wait([held], timeout=0.05)  # is to run out
        assert not held.done()
        release.set()
        assert (await held).text == "the application"
        assert (await client.get("/health")).text == "the application"
        assert not ended
    assert ended


async def test_what_cannot_start_says_so_and_ends(
    clean_environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def make() -> Starlette:
        raise RuntimeError("no such table")

    lifecycle = Lifecycle()
    async with served(make, lifecycle) as (failed, client):
        answer = await client.get("/api/v1/things")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert lifecycle.failed
        assert isinstance(failed.failure, RuntimeError)
    assert "no such table" in capsys.readouterr().out


async def test_settings_problems_are_kept_for_the_caller_and_not_logged(
    clean_environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def make() -> Starlette:
        raise ConfigurationError(["PORT: not a number"])

    async with served(make, Lifecycle()) as (failed, client):
        assert (await client.get("/ready")).status_code == 503
        assert isinstance(failed.failure, ConfigurationError)
    assert "PORT" not in capsys.readouterr().out
