"""Bounded admission: a limit of concurrent requests, a limit of queued ones, and a prompt 503 for the rest.

Without a bound a slow database causes an endless queue, and requests are served after their clients have given up.
"""

from __future__ import annotations

import asyncio
from collections import deque

from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.exceptions import Unavailable, send_problem
from app.request_context import route_path


class Admission:
    """ASGI layer. First come, first served; probes and scrapes do not queue."""

    def __init__(self, app: ASGIApp, *, limit: int, queue: int, patience: float, quiet: frozenset[str]) -> None:
        self.app = app
        self.limit = limit
        self.queue = queue
        self.patience = patience
        self.quiet = quiet
        self.active = 0
        self.waiting: deque[asyncio.Future[None]] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or route_path(scope) in self.quiet:
            await self.app(scope, receive, send)
            return
        if self.active < self.limit:
            self.active += 1
        elif not await self._queue_up():
            detail = "The service is overloaded. Try again in a moment."
            await send_problem(scope, send, Unavailable(detail, code="overloaded"))
            return
        try:
            await self.app(scope, receive, send)
        finally:
            self._release()

    async def _queue_up(self) -> bool:
        """Wait for a place; False when the queue is full or the wait too long. A granted place is kept."""
        if len(self.waiting) >= self.queue:
            return False
        turn = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        try:
            async with asyncio.timeout(self.patience):
                await turn
        except TimeoutError:
            # The place may have been granted at the moment of the timeout: then it is ours.
            if turn.done() and not turn.cancelled():
                return True
            self._forget(turn)
            return False
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._release()
            else:
                self._forget(turn)
            raise
        return True

    def _forget(self, turn: asyncio.Future[None]) -> None:
        if turn in self.waiting:
            self.waiting.remove(turn)

    def _release(self) -> None:
        """Pass the place to the next request in the queue, or release it."""
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.active -= 1
