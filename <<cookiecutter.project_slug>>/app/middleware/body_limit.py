"""The body of a request: so large at most, and sent in so much time.

It is read here, before admission: a client that sends slowly then holds up nobody but itself. The endpoint finds it
complete, in one piece.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.exceptions import BadRequest, Problem, send_problem

_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})


class BodyLimit:
    """ASGI layer. Requests of methods that carry no body pass without a look: nobody reads one.

    `limit` is in bytes, `patience` in seconds for the whole body.
    """

    def __init__(self, app: ASGIApp, *, limit: int, patience: float) -> None:
        self.app = app
        self.limit = limit
        self.patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _BODILESS:
            await self.app(scope, receive, send)
            return
        try:
            self._check_length(scope)
            async with asyncio.timeout(self.patience):
                body = await self._read(receive)
        except Problem as problem:
            await send_problem(scope, send, problem)
            return
        except TimeoutError:
            detail = f"The body did not arrive within {self.patience:g} seconds."
            # RFC 9110, 15.5.9: the connection is of no further use.
            await send_problem(scope, send, Problem(detail, status=408, headers={"Connection": "close"}))
            return
        if body is not None:
            await self.app(scope, _replay(body, receive), send)

    def _check_length(self, scope: Scope) -> None:
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not length.isdigit():
            raise BadRequest("Content-Length is no number.")
        if len(length) > 15 or int(length) > self.limit:  # int() refuses thousands of digits
            raise self._too_large()

    async def _read(self, receive: Receive) -> bytes | None:
        """The whole body; None when the client has gone. What it says of the length is not believed."""
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self.limit:
                raise self._too_large()
            if not message.get("more_body", False):
                return b"".join(chunks) + chunk if chunks else chunk
            chunks.append(chunk)

    def _too_large(self) -> Problem:
        detail = f"The body is larger than {self.limit} bytes, the most that this service takes."
        return Problem(detail, status=413, code="body_too_large")


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body first; then what comes, which is the client's leaving."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
