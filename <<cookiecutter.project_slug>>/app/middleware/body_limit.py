"""Limits of a request body: size and time.

The body is read here, before admission, so that a slow client delays only itself. The endpoint gets it complete, in
one piece.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.exceptions import BadRequest, Problem, send_problem

_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})


class BodyLimit:
    """ASGI layer. Requests with methods without a body pass unchecked: no endpoint reads one.

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
            # RFC 9110, 15.5.9: the connection cannot be used again.
            await send_problem(scope, send, Problem(detail, status=408, headers={"Connection": "close"}))
            return
        if body is not None:
            await self.app(scope, _replay(body, receive), send)

    def _check_length(self, scope: Scope) -> None:
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not length.isdigit():
            raise BadRequest("Content-Length is not a number.")
        if len(length) > 15 or int(length) > self.limit:  # int() refuses thousands of digits
            raise self._too_large()

    async def _read(self, receive: Receive) -> bytes | None:
        """Return the whole body; None when the client has disconnected. Content-Length is not trusted."""
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
        detail = f"The body is larger than the limit of {self.limit} bytes."
        return Problem(detail, status=413, code="body_too_large")


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that yields the body, then the client's disconnect."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
