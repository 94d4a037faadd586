"""Problems: every error that a client receives, in the form of RFC 9457.

Services raise a `Problem`; `app/api/errors.py` converts all other exceptions. Nothing here depends on a framework
(only a status and bytes), so that the ASGI layers can use it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson
from starlette.types import Scope, Send

from app.request_context import request_id

MEDIA_TYPE = "application/problem+json"
_CONTENT_TYPE = (b"content-type", MEDIA_TYPE.encode())


# Codes of problems that have only a status.
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "body_too_large",
    415: "unsupported_media_type",
    500: "internal_error",
}


class Problem(Exception):
    """An error with its response. Subclasses set a status and a code; `detail` says what happened and what to do.

    `errors` lists single errors: `{"detail", "code", "pointer"}` with a JSON pointer (RFC 6901) into the body, or
    `"parameter"` and `"in"` for a part of the request that is not JSON.
    """

    status: int = 500
    code: str = ""

    def __init__(
        self,
        detail: str | None = None,
        *,
        status: int | None = None,
        code: str | None = None,
        title: str | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status if status is not None else self.status
        self.code = code or self.code or CODES.get(self.status, f"http_{self.status}")
        super().__init__(detail or self.code)
        self.title = title or phrase(self.status)
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})

    def body(self, instance: str) -> bytes:
        """Return the JSON document. `type` is about:blank (RFC 9457, 4.2.1): `code` distinguishes problems."""
        content: dict[str, Any] = {"type": "about:blank", "title": self.title, "status": self.status}
        if self.detail:
            content["detail"] = self.detail
        content["instance"] = instance
        content["code"] = self.code
        content["request_id"] = request_id()
        if self.errors:
            content["errors"] = self.errors
        return orjson.dumps(content, default=str)


class BadRequest(Problem):
    status, code = 400, "bad_request"


class Unauthorized(Problem):
    status, code = 401, "unauthorized"


class Forbidden(Problem):
    status, code = 403, "forbidden"


class NotFound(Problem):
    status, code = 404, "not_found"


class Conflict(Problem):
    status, code = 409, "conflict"


class PreconditionFailed(Problem):
    status, code = 412, "precondition_failed"


class Unprocessable(Problem):
    status, code = 422, "unprocessable"


class Unavailable(Problem):
    """The service cannot answer now. `retry_after` is in seconds (RFC 9110, 10.2.3)."""

    status, code = 503, "unavailable"

    def __init__(self, detail: str | None = None, *, retry_after: int = 1, **more: Any) -> None:
        super().__init__(detail, **more)
        self.headers.setdefault("Retry-After", str(retry_after))


def phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def instance_of(scope: Scope) -> str:
    """Return the request's path as a URI reference."""
    return quote(scope["path"], safe="/:@!$&'()*+,;=~-._")


async def send_problem(scope: Scope, send: Send, problem: Problem) -> None:
    """Answer from an ASGI layer, without a framework."""
    body = problem.body(instance_of(scope))
    headers = [_CONTENT_TYPE, (b"content-length", b"%d" % len(body))]
    headers += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in problem.headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
