"""The OpenAPI document: what FastAPI derives from the routes, and the answers that every operation can give."""

from __future__ import annotations

from typing import Any

from app.core.exceptions import MEDIA_TYPE, phrase
from app.core.security import security_schemes

PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "An error (RFC 9457). `code` is stable and for programs, `detail` is for people.",
    "type": "object",
    "required": ["type", "title", "status", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["about:blank"]},
        "title": {"type": "string", "examples": ["Not Found"]},
        "status": {"type": "integer", "minimum": 400, "maximum": 599, "examples": [404]},
        "detail": {"type": "string", "examples": ["There is no such resource."]},
        "instance": {"type": "string", "format": "uri-reference", "description": "The path of the request."},
        "code": {"type": "string", "examples": ["not_found"]},
        "request_id": {"type": "string", "description": "The same as in the X-Request-ID header."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                    "pointer": {"type": "string", "description": "JSON pointer into the body, such as #/name."},
                    "parameter": {"type": "string"},
                    "in": {"type": "string", "enum": ["query", "path", "header", "cookie"]},
                },
            },
        },
    },
}


def problem_answer(status: int, description: str | None = None) -> dict[str, Any]:
    """One entry of `responses`: a problem with this status."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description or phrase(status), "content": content}


_DESCRIPTIONS = {
    401: "No token, or one that is not accepted",
    403: "The token lacks a scope",
    404: "There is no such resource",
    409: "In conflict with what is there",
    412: "Changed since: If-Match names an old version",
    413: "The body is too large",
    415: "The body is no JSON by its Content-Type",
    422: "The request is not as it should be; errors lists why",
    500: "The service failed",
    503: "Too busy, or without a database; Retry-After says when to try again",
}
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: problem_answer(status, description) for status, description in _DESCRIPTIONS.items()
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for errors of its own, such as 409. Those that all routes have are added anyway."""
    return {status: PROBLEM_RESPONSES[status] for status in statuses}


def complete(document: dict[str, Any], under: str) -> dict[str, Any]:
    """Add to a document of FastAPI's: the problem schema, security schemes, and each operation's usual problems."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = PROBLEM_SCHEMA
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemes = security_schemes()
    if schemes:
        components["securitySchemes"] = {**components.get("securitySchemes", {}), **schemes}
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            answers = operation.setdefault("responses", {})
            answers.pop("422", None)
            if path.startswith(f"{under}/") and path != f"{under}/health":
                for status in _usual(path, method, operation):
                    answers.setdefault(str(status), PROBLEM_RESPONSES[status])
                operation["responses"] = dict(sorted(answers.items()))
    return document


def _usual(path: str, method: str, operation: dict[str, Any]) -> list[int]:
    """The problems that an operation can end in for reasons that are not its own."""
    statuses = [500, 503]
    if operation.get("security"):
        statuses += [401, 403]
    if "{" in path:
        statuses.append(404)
    if "requestBody" in operation:
        statuses += [413, 415]
    if "requestBody" in operation or operation.get("parameters"):
        statuses.append(422)
    return statuses
