"""Responses in the OpenAPI document: their headers, the usual problems, and those of a resource.

A route takes them as `responses=CREATED`, or as `responses=problems(409)` for its own errors.
"""

from __future__ import annotations

from typing import Any

from app.core.exceptions import MEDIA_TYPE, phrase

Answer = dict[str, Any]
Answers = dict[int | str, Answer]


def _header(description: str, *, example: str, always: bool = True, kind: str = "string") -> dict[str, Any]:
    schema = {"type": kind, "examples": [int(example) if kind == "integer" else example]}
    return {"description": description, "required": always, "schema": schema}


ETAG = {"ETag": _header("Version of the resource; send it as `If-Match` or `If-None-Match`.", example='"1"')}
LOCATION = {"Location": _header("URL of the new resource, without the host.", example="/api/v1/things/0190b8f0")}
LINK = {
    "Link": _header(
        'The next page (RFC 8288): `<...>; rel="next"`. Missing on the last page.',
        example='</api/v1/things?cursor=WzE>; rel="next"',
        always=False,
    )
}
RETRY_AFTER = {"Retry-After": _header("Seconds to wait before a retry.", example="1", kind="integer")}
CHALLENGE = {"WWW-Authenticate": _header("Challenge (RFC 6750).", example='Bearer error="invalid_token"')}

_DESCRIPTIONS = {
    401: "The token is missing or invalid",
    403: "The token does not have the required scope",
    404: "Not found",
    408: "The body did not arrive in time",
    409: "Conflict with the current state",
    412: "The resource has changed: `If-Match` names an old version",
    413: "The body is too large",
    415: "The Content-Type is not JSON",
    422: "The request is invalid; see `errors`",
    500: "Internal error",
    503: "Overloaded, or a dependency such as the database is unavailable",
}
_HEADERS: dict[int, dict[str, Any]] = {
    401: CHALLENGE,
    403: CHALLENGE,
    503: RETRY_AFTER,
}


def problem_answer(status: int) -> Answer:
    """One entry of `responses`: a problem with this status."""
    answer: Answer = {"description": _DESCRIPTIONS.get(status) or phrase(status)}
    if status in _HEADERS:
        answer["headers"] = _HEADERS[status]
    return {**answer, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def problems(*statuses: int) -> Answers:
    """The `responses` of a route for its own errors, such as 409. Those of every route are added anyway."""
    return {status: problem_answer(status) for status in statuses}


PAGE: Answers = {200: {"headers": LINK}}
# A retry must wait while its first request is still being processed; other conflicts do not go away.
_WAIT = {"Retry-After": {**RETRY_AFTER["Retry-After"], "required": False}}
CREATED: Answers = {201: {"headers": LOCATION | ETAG}, 409: {**problem_answer(409), "headers": _WAIT}}
FOUND: Answers = {
    200: {"headers": ETAG},
    304: {"description": "Not modified: `If-None-Match` names the current version", "headers": ETAG},
}
CHANGED: Answers = {200: {"headers": ETAG}, **problems(409, 412)}
DELETED: Answers = problems(409, 412)
