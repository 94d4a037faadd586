"""What a proxy in front says of a request: the client's address, the scheme, and the prefix it took off the path.

The prefix goes back onto the path, with `root_path` beside it, as ASGI has it: then Location, Link, the `servers` of
the OpenAPI document and every URL that an endpoint makes are those that clients see.
"""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.core.config import PREFIX

_PREFIX = re.compile(PREFIX.encode())
_IPV4_IN_IPV6 = "::ffff:"


class Forwarded(ProxyHeadersMiddleware):
    """ASGI layer, outside of everything else. X-Forwarded-* are believed from `trusted` addresses alone."""

    def __init__(self, app: ASGIApp, *, root_path: str, trusted: str | None) -> None:
        super().__init__(app, trusted or [])  # type: ignore[arg-type]
        self.root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]
        if scope["type"] == "http":
            _with_plain_client(scope)
            prefix = self._prefix(scope)
            if prefix:
                scope["root_path"] = prefix
                scope["path"] = prefix + scope["path"]
                scope["raw_path"] = prefix.encode() + scope["raw_path"]
        await super().__call__(scope, receive, send)  # type: ignore[arg-type]

    def _prefix(self, scope: Scope) -> str:
        client = scope.get("client")
        if client and client[0] in self.trusted_hosts:
            given = [value.strip() for name, value in scope["headers"] if name == b"x-forwarded-prefix"]
            # Each proxy of a chain adds what it took off: the outermost comes first.
            prefix = b"".join(part.strip().rstrip(b"/") for value in given for part in value.split(b","))
            if prefix and _PREFIX.fullmatch(prefix):
                return prefix.decode("ascii")
        return self.root_path


def _with_plain_client(scope: Scope) -> None:
    """A socket for both families shows IPv4 clients as ::ffff:10.0.0.1, which no list of proxies has."""
    client = scope.get("client")
    if client and client[0].startswith(_IPV4_IN_IPV6) and "." in client[0]:
        scope["client"] = (client[0].removeprefix(_IPV4_IN_IPV6), client[1])
