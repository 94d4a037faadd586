"""The outermost layer: the parts common to all responses.

A request id, the security headers, `Connection: close` while the service drains, a log line, a metrics count, and a 500
as a problem when everything else failed. It is one pure ASGI layer, because each BaseHTTPMiddleware of Starlette costs
more than all of this and hides context variables.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Protocol

import structlog
from opentelemetry import trace
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.exceptions import Problem, send_problem
from app.lifecycle import Lifecycle
from app.observability.logging import AccessLog
from app.request_context import REQUEST, accept_request_id, route_path, trace_of

RawHeaders = tuple[tuple[bytes, bytes], ...]

# Responses of an API are data: they must not be executed, framed or sniffed (OWASP REST cheat sheet).
API_HEADERS: RawHeaders = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
HSTS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")
CLOSE = (b"connection", b"close")
# A page may replace the API's headers with its own: it stores them under this key of the scope.
SECURITY_HEADERS_KEY = "app.security_headers"

log = structlog.get_logger("app.outermost")


class Metrics(Protocol):
    """Counts of requests."""

    active_requests: int

    def request(self, method: str, route: str, status: int, seconds: float) -> None: ...


class Outermost:
    def __init__(
        self,
        app: ASGIApp,
        *,
        lifecycle: Lifecycle,
        metrics: Metrics,
        access_log: AccessLog | None,
        route_of: Callable[[Scope], str],
        quiet: frozenset[str] = frozenset(),
        hsts: bool = False,
    ) -> None:
        self.app = app
        self.lifecycle = lifecycle
        self.metrics = metrics
        self.access_log = access_log
        self.route_of = route_of
        self.quiet = quiet
        self.always: RawHeaders = (HSTS,) if hsts else ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = perf_counter()
        context = _identify(scope)
        token = REQUEST.set(context)
        id_header = (b"x-request-id", context["request_id"].encode("ascii"))
        # 499: the client has disconnected (nginx's code).
        status, failed = 0, 499
        complete = False

        async def send_on(message: Message) -> None:
            nonlocal status, complete
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [
                    *message.get("headers", ()),
                    id_header,
                    *self.always,
                    *scope.get(SECURITY_HEADERS_KEY, API_HEADERS),
                ]
                if self.lifecycle.draining:
                    headers.append(CLOSE)
                message["headers"] = headers
            elif not message.get("more_body", False):
                complete = True
            await send(message)

        self.metrics.active_requests += 1
        try:
            await self.app(scope, receive, send_on)
        except Exception as error:
            failed = 500
            log.exception("unexpected error", error=type(error).__name__, path=scope["path"])
            if not status:
                await send_problem(scope, send_on, Problem("Internal error; see the log for this request id."))
            elif not complete:
                # Part of the response was sent: only a broken connection signals the failure.
                raise
        finally:
            self.metrics.active_requests -= 1
            if route_path(scope) not in self.quiet:
                self._record(scope, status or failed, perf_counter() - started)
            REQUEST.reset(token)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = self.route_of(scope)
        self.metrics.request(scope["method"], route, status, seconds)
        if self.access_log is not None:
            client = scope.get("client")
            self.access_log(
                {
                    "method": scope["method"],
                    "path": scope["path"],
                    "route": route,
                    "status": status,
                    "duration_ms": round(seconds * 1000, 2),
                    "client": client[0] if client else None,
                }
            )


def _identify(scope: Scope) -> dict[str, str]:
    """Return request id and trace of a request; the service's own span overrides the caller's header."""
    given = None
    context: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value
        elif name == b"traceparent":
            context = trace_of(value)
    if "fastapi.telemetry" in scope:
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            context = {"trace_id": trace.format_trace_id(span.trace_id), "span_id": trace.format_span_id(span.span_id)}
    context["request_id"] = accept_request_id(given)
    return context
