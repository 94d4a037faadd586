"""The size of a request's body: 413 before it is read where the client says the size, else while it is read."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.exceptions import BadRequest, Problem, send_problem

_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})


class BodyLimit:
    """ASGI layer. Requests of methods that carry no body pass without a look: nobody reads one."""

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self.app = app
        self.limit = limit
        self.detail = f"The body is larger than {limit} bytes, the most that this service takes."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _BODILESS:
            await self.app(scope, receive, send)
            return
        length = next((value for name, value in scope["headers"] if name == b"content-length"), None)
        if length is not None:
            if not length.isdigit():
                await send_problem(scope, send, BadRequest("Content-Length is no number."))
                return
            if len(length) > 15 or int(length) > self.limit:  # int() refuses thousands of digits
                await send_problem(scope, send, Problem(self.detail, status=413, code="body_too_large"))
                return
        await self.app(scope, self._counting(receive), send)

    def _counting(self, receive: Receive) -> Receive:
        """Even with a Content-Length: a server may not hold the client to it."""
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                if read > self.limit:
                    # FastAPI passes an HTTPException on where it turns others into a 400.
                    raise HTTPException(413, self.detail)
            return message

        return counted
