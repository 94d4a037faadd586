"""Headers of a proxy in front: the client's address, the scheme, and the prefix that it removed from the path.

The prefix is restored in the path and set as `root_path`, as ASGI specifies: then Location, Link, the `servers` of the
OpenAPI document and every URL that an endpoint builds are those that clients see.
"""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.core.config import PREFIX

_PREFIX = re.compile(PREFIX.encode())
_IPV4_IN_IPV6 = "::ffff:"


class Forwarded(ProxyHeadersMiddleware):
    """The outermost ASGI layer behind a proxy. X-Forwarded-* is accepted from `trusted` addresses only."""

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
            # Each proxy of a chain adds the prefix that it removed: the outermost comes first.
            prefix = b"".join(part.strip().rstrip(b"/") for value in given for part in value.split(b","))
            if prefix and _PREFIX.fullmatch(prefix):
                return prefix.decode("ascii")
        return self.root_path


def _with_plain_client(scope: Scope) -> None:
    """Return the IPv4 form of an address: a dual-stack socket shows ::ffff:10.0.0.1, which proxy lists do not have."""
    client = scope.get("client")
    if client and client[0].startswith(_IPV4_IN_IPV6) and "." in client[0]:
        scope["client"] = (client[0].removeprefix(_IPV4_IN_IPV6), client[1])
