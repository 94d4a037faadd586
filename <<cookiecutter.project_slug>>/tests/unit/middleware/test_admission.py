"""Bounded admission: places, the queue, and who is turned away."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient

from app.middleware.admission import Admission

QUIET = frozenset({"/health"})


class Busy:
    """An application whose requests end on command."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.most = 0
        self.go_on = asyncio.Event()
        self.order: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.running.append(scope["path"])
        self.order.append(scope["path"])
        self.most = max(self.most, len(self.running))
        try:
            if scope["path"] not in QUIET:
                await self.go_on.wait()
            if scope["path"] == "/fail":
                raise ZeroDivisionError
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        finally:
            self.running.remove(scope["path"])


@asynccontextmanager
async def serving(**limits: Any) -> AsyncIterator[tuple[Busy, Admission, AsyncClient]]:
    busy = Busy()
    options: dict[str, Any] = {"limit": 2, "queue": 2, "patience": 5.0, "quiet": QUIET, **limits}
    admission = Admission(busy, **options)
    transport = ASGITransport(admission, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        yield busy, admission, client
    assert admission.active == 0
    assert not admission.waiting


async def settle(client: AsyncClient, *paths: str) -> list[asyncio.Task[Any]]:
    """Requests that have come as far as they can."""
    tasks = []
    for path in paths:
        tasks.append(asyncio.create_task(client.get(path)))
        for _ in range(20):
            await asyncio.sleep(0)
    return tasks


async def test_requests_beyond_the_limits_get_503() -> None:
    async with serving() as (busy, _, client):
        tasks = await settle(client, "/1", "/2", "/3", "/4", "/5")
        assert busy.running == ["/1", "/2"]
        refused = await tasks.pop()
        assert refused.status_code == 503
        assert refused.json()["code"] == "overloaded"
        assert refused.headers["Retry-After"] == "1"
        busy.go_on.set()
        assert [answer.status_code for answer in await asyncio.gather(*tasks)] == [200] * 4
        assert busy.order == ["/1", "/2", "/3", "/4"]
        assert busy.most == 2


async def test_probes_do_not_queue() -> None:
    async with serving(limit=1, queue=0) as (busy, _, client):
        tasks = await settle(client, "/1")
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/2")).status_code == 503
        busy.go_on.set()
        await asyncio.gather(*tasks)


async def test_patience_ends() -> None:
    async with serving(limit=1, patience=0.01) as (busy, admission, client):
        tasks = await settle(client, "/1")
        assert (await client.get("/2")).status_code == 503
        assert not admission.waiting
        busy.go_on.set()
        await asyncio.gather(*tasks)


async def test_a_request_that_fails_gives_its_place_back() -> None:
    async with serving(limit=1) as (busy, _, client):
        busy.go_on.set()
        assert (await client.get("/fail")).status_code == 500
        assert (await client.get("/1")).status_code == 200


async def test_a_client_that_leaves_the_queue_holds_nothing() -> None:
    async with serving(limit=1) as (busy, _, client):
        tasks = await settle(client, "/1", "/2", "/3")
        tasks[1].cancel()
        busy.go_on.set()
        assert (await tasks[2]).status_code == 200
        assert busy.order == ["/1", "/3"]
        await tasks[0]


@pytest.mark.parametrize("how", ["cancelled", "out of patience"])
async def test_a_place_that_was_given_in_the_last_moment_is_not_lost(how: str) -> None:
    patience = 1.0 if how == "out of patience" else 5.0
    async with serving(limit=1, patience=patience) as (busy, admission, client):
        tasks = await settle(client, "/1", "/2")
        turn = admission.waiting.popleft()
        busy.go_on.set()
        turn.set_result(None)  # as _release does, and before the waiter has run, it is cancelled or its time is over
        admission.active += 1
        if how == "cancelled":
            tasks[1].cancel()
            with pytest.raises(asyncio.CancelledError):
                await tasks[1]
        else:
            time.sleep(patience + 0.05)  # noqa: ASYNC251 - the loop is to find both due: the turn, and the patience's end
            assert (await tasks[1]).status_code == 200
        await tasks[0]


async def test_no_place_is_lost_in_a_crowd() -> None:
    async with serving(limit=3, queue=50, patience=0.005) as (busy, _, client):
        tasks = [asyncio.create_task(client.get(f"/{number}")) for number in range(40)]
        await asyncio.sleep(0.004)
        for task in tasks[::3]:
            task.cancel()
        busy.go_on.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        left = [answer for answer in answers if isinstance(answer, BaseException)]
        assert all(isinstance(answer, asyncio.CancelledError) for answer in left)
        assert {answer.status_code for answer in answers if not isinstance(answer, BaseException)} <= {200, 503}
        assert busy.most <= 3


async def test_other_kinds_of_scope_pass() -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    nothing: Any = None
    await Admission(app, limit=1, queue=0, patience=1, quiet=QUIET)({"type": "lifespan"}, nothing, nothing)
    assert seen == ["lifespan"]
