"""Work after the answer: bounded, later than the answer, and ended by a shutdown."""

import asyncio
import contextvars

import pytest
from structlog.testing import capture_logs

from app.accounts import background
from app.accounts.background import Background
from app.core.exceptions import Unavailable

NEVER = (3600.0, 3600.0)


@pytest.fixture
def done() -> list[int]:
    return []


async def test_work_begins_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "PAUSE", (0.2, 0.2))
    work, loop, began = Background(), asyncio.get_running_loop(), asyncio.Event()

    async def begin() -> None:
        began.set()

    asked = loop.time()
    work.start(begin)
    await began.wait()
    assert loop.time() - asked >= 0.19


async def test_to_settle_needs_no_pause(monkeypatch: pytest.MonkeyPatch, done: list[int]) -> None:
    monkeypatch.setattr(background, "PAUSE", NEVER)
    work = Background()

    async def add(number: int) -> None:
        done.append(number)

    for number in range(3):
        work.start(lambda number=number: add(number))
    await work.settle()
    assert done == [0, 1, 2]
    work.start(lambda: add(3))
    await asyncio.sleep(0)
    assert done == [0, 1, 2]
    await work.stop()
    assert done == [0, 1, 2, 3]


async def test_few_works_run_at_once(done: list[int]) -> None:
    work, running = Background(), 0

    async def wait() -> None:
        nonlocal running
        running += 1
        done.append(running)
        await asyncio.sleep(0.01)
        running -= 1

    for _ in range(3 * background.AT_ONCE):
        work.start(wait)
    await work.settle()
    assert len(done) == 3 * background.AT_ONCE
    assert max(done) == background.AT_ONCE


async def test_without_room_work_is_refused(monkeypatch: pytest.MonkeyPatch, done: list[int]) -> None:
    monkeypatch.setattr(background, "LIMIT", 2)
    work = Background()

    async def add() -> None:
        done.append(1)

    for _ in range(2):
        work.require_room()
        work.start(add)
    with pytest.raises(Unavailable, match="waiting"):
        work.require_room()
    with capture_logs() as logs:
        work.start(add)
    assert [line["event"] for line in logs] == ["work after the answer dropped"]
    await work.settle()
    assert len(done) == 2
    work.require_room()


async def test_a_shutdown_drops_what_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "STOP_SECONDS", 0.1)
    work = Background()

    async def hang() -> None:
        await asyncio.Event().wait()

    for _ in range(background.AT_ONCE + 1):
        work.start(hang)
    with capture_logs() as logs:
        await asyncio.wait_for(work.stop(), 60)
    assert [(line["event"], line["works"]) for line in logs] == [
        ("work after the answer dropped", background.AT_ONCE + 1)
    ]


async def test_a_failure_ends_no_other_work(done: list[int]) -> None:
    work = Background()

    async def fail() -> None:
        raise OSError("no route")

    async def add() -> None:
        done.append(1)

    work.start(fail)
    work.start(add)
    with capture_logs() as logs:
        await work.settle()
    assert [line["error"] for line in logs] == ["OSError('no route')"]
    assert done == [1]


async def test_work_has_the_context_of_its_request() -> None:
    work, request, seen = Background(), contextvars.ContextVar("request", default=""), []

    async def look() -> None:
        seen.append(request.get())

    for name in ("one", "two"):
        request.set(name)
        work.start(look)
    await work.settle()
    assert seen == ["one", "two"]
