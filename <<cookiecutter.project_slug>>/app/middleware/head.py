"""HEAD for every route that answers GET (RFC 9110, 9.3.2): the same status and headers, without the body."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """ASGI layer. The application sees GET; its changes to the scope (route, headers) are copied back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        # A copy: the server reads its own scope to know that no body follows.
        as_get: dict[str, Any] = {**scope, "method": "GET"}

        async def send_without_body(message: Message) -> None:
            scope.update(as_get, method="HEAD")
            if message["type"] == "http.response.body":
                if message.get("more_body", False):
                    return
                message = {"type": "http.response.body"}
            await send(message)

        await self.app(as_get, receive, send_without_body)
