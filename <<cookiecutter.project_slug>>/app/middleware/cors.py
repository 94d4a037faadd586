"""Cross-origin requests (Fetch standard, 3.3): Starlette's layer, with refusals that are problem documents."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.exceptions import Problem, send_problem

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
# Headers that the API reads, and those of tracing in browsers (W3C Trace Context and Baggage).
REQUEST_HEADERS = [
    "Authorization",
    "Baggage",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Traceparent",
    "Tracestate",
    "X-Request-ID",
    "X-Requested-With",
]
EXPOSED_HEADERS = ["Allow", "ETag", "Link", "Location", "Retry-After", "WWW-Authenticate", "X-Request-ID"]
PREFLIGHT_SECONDS = 600


class Cors(CORSMiddleware):
    def __init__(self, app: ASGIApp, origins: list[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            expose_headers=EXPOSED_HEADERS,
            max_age=PREFLIGHT_SECONDS,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        about_the_text = ("content-length", "content-type")
        headers = {name: value for name, value in answer.headers.items() if name not in about_the_text}
        detail = " ".join(self._refusals(request_headers))
        return _Refusal(Problem(detail, status=400, code="cors_refused", headers=headers))

    def _refusals(self, request: Headers) -> list[str]:
        """Return a sentence for each refused part of the preflight request."""
        origin, method = request["origin"], request["access-control-request-method"]
        found = []
        if not self.is_allowed_origin(origin):
            found.append(f"Origin {origin} is not allowed; BACKEND_CORS_ORIGINS lists the allowed ones.")
        if method not in self.allow_methods:
            found.append(f"Method {method} is not allowed; use one of {', '.join(METHODS)}.")
        asked = (name.strip() for name in request.get("access-control-request-headers", "").split(","))
        unknown = [name for name in asked if name and name.lower() not in self.allow_headers]
        if unknown:
            found.append(f"Request headers not allowed: {', '.join(unknown)}.")
        if "access-control-request-private-network" in request:
            found.append("Requests from public pages to a private network are not allowed.")
        return found


class _Refusal(Response):
    def __init__(self, problem: Problem) -> None:
        super().__init__(status_code=problem.status)
        self.problem = problem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send_problem(scope, send, self.problem)
