"""Work after the answer: what depends on whether an e-mail is known, and mail."""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections.abc import Awaitable, Callable

import structlog

from app.core.exceptions import Unavailable

# Seconds until work begins. By then the answer is written, and it is not known which later request is delayed.
PAUSE = (0.1, 0.5)
# Works that run at the same time, each with a connection to the database or to the mail server.
AT_ONCE = 4
# Works that may wait. More are refused.
LIMIT = 1000
# Seconds that a shutdown waits: half of those that are left after the last request.
STOP_SECONDS = 5

Work = Callable[[], Awaitable[None]]

log = structlog.get_logger("app.accounts")


class Background:
    """Runs work in batches, each after a random pause, so that its time is part of no answer.

    The time of an answer would otherwise tell which e-mails are known: for these there is more work.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Work, contextvars.Context]] = []
        self._worker: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._unfinished = 0

    def require_room(self) -> None:
        """Raise Unavailable when too much work waits. Ask before anything is counted or answered."""
        if len(self._waiting) >= LIMIT:
            raise Unavailable("Too many messages are waiting to be sent. Try again in a moment.", code="mail_busy")

    def start(self, work: Work) -> None:
        """Run `work` later, with the request's id in its log lines. Without room it is dropped."""
        if len(self._waiting) >= LIMIT:
            log.error("work after the answer dropped", works=1)
            return
        self._waiting.append((work, contextvars.copy_context()))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._serve())

    async def settle(self) -> None:
        """Run what waits without a pause, and return when it is done."""
        await self._finish(None)

    async def stop(self) -> None:
        """Run what waits without a pause, and drop what takes too long."""
        await self._finish(STOP_SECONDS)
        if self._worker is not None and not self._worker.done():
            log.error("work after the answer dropped", works=self._unfinished + len(self._waiting))
            self._worker.cancel()
            await asyncio.wait({self._worker})

    async def _finish(self, seconds: float | None) -> None:
        if self._worker is None:
            return
        self._hurry.set()
        await asyncio.wait({self._worker}, timeout=seconds)
        self._hurry.clear()

    async def _serve(self) -> None:
        while self._waiting:
            await self._pause()
            batch, self._waiting = self._waiting, []
            self._unfinished = len(batch)
            async with asyncio.TaskGroup() as group:
                for work, context in batch:
                    group.create_task(self._run(work), context=context)

    async def _pause(self) -> None:
        seconds = random.uniform(*PAUSE)  # noqa: S311 - not a secret
        try:
            await asyncio.wait_for(self._hurry.wait(), seconds)
        except TimeoutError:
            return

    async def _run(self, work: Work) -> None:
        async with self._places:
            try:
                await work()
            except Exception as error:
                log.error("work after the answer failed", error=repr(error)[:500])
            finally:
                self._unfinished -= 1
