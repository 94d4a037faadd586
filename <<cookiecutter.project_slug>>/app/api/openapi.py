"""The OpenAPI document: FastAPI's, completed with the responses that every operation can return.

Its promise: a request that fits the schemas is accepted, any other is refused (schemathesis tests both). A well-formed
`cursor`, `If-Match` or `Idempotency-Key` may still be the wrong one; the `code` says so.
"""

from __future__ import annotations

from typing import Any

from app.api.answers import problem_answer
from app.core.security import security_schemes
from app.schemas.base import NO_NUL

CONVENTIONS = """\
**Lists** come in pages. `next` is the cursor of the following page, null on the last one: send it as the query
parameter `cursor`, with the same `sort` and filters, or follow the header `Link: <...>; rel="next"`. A cursor from
another query is rejected (422, `invalid_cursor`).

**Concurrent changes**: every resource has an `ETag`. Send it as `If-Match` with PUT, PATCH or DELETE, and a resource
that has changed since is left unchanged (412). Send it as `If-None-Match` with GET, and the response for an unchanged
resource is 304.

**Retries**: a POST with an `Idempotency-Key` (1 to 255 characters) is executed once; a retry within 24 hours gets the
same response. The same key with a different body is rejected (422, `idempotency_key_reused`); while the first request
is being processed, a retry gets 409.

**Errors** are `application/problem+json` (RFC 9457); `code` is stable, `request_id` identifies the request in the log
and equals the `X-Request-ID` header of the response.
"""

# The values of a `json` field: jsonb has no U+0000.
JSON_SCHEMA: dict[str, Any] = {
    "title": "JsonValue",
    "description": "Any JSON without the character U+0000.",
    "anyOf": [
        {"type": ["null", "boolean", "number"]},
        {"type": "string", "pattern": NO_NUL},
        {"type": "array", "items": {"$ref": "#/components/schemas/JsonValue"}},
        {
            "type": "object",
            "propertyNames": {"pattern": NO_NUL},
            "additionalProperties": {"$ref": "#/components/schemas/JsonValue"},
        },
    ],
}

PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "An error (RFC 9457). `code` is stable and for programs, `detail` is for people.",
    "type": "object",
    "required": ["type", "title", "status", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["about:blank"]},
        "title": {"type": "string", "examples": ["Not Found"]},
        "status": {"type": "integer", "minimum": 400, "maximum": 599, "examples": [404]},
        "detail": {"type": "string", "examples": ["No product with id 0190b8f0."]},
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


def complete(document: dict[str, Any], under: str) -> dict[str, Any]:
    """Complete a document of FastAPI's: problem schema, security schemes, headers, each operation's usual problems."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = PROBLEM_SCHEMA
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    if "JsonValue" in schemas:
        schemas["JsonValue"] = JSON_SCHEMA
    _with_whole_bounds(schemas)
    _with_whole_bounds(document.get("paths", {}))
    info = document.setdefault("info", {})
    info["description"] = f"{info.get('description', '')}\n\n{CONVENTIONS}".lstrip()
    schemes = security_schemes(_scopes(document), under)
    if schemes:
        components["securitySchemes"] = {**components.get("securitySchemes", {}), **schemes}
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            answers = operation.setdefault("responses", {})
            answers.pop("422", None)
            for parameter in operation.get("parameters", ()):
                _without_null(parameter)
            if path.startswith(f"{under}/") and path != f"{under}/health":
                for status in _usual(path, method, operation):
                    answers.setdefault(str(status), problem_answer(status))
                operation["responses"] = dict(sorted(answers.items()))
    return document


def _scopes(document: dict[str, Any]) -> list[str]:
    """Return every scope that an operation requires."""
    operations = (operation for operations in document.get("paths", {}).values() for operation in operations.values())
    required = (entry for operation in operations for entry in operation.get("security", ()))
    return sorted({scope for entry in required for scopes in entry.values() for scope in scopes})


def _without_null(parameter: dict[str, Any]) -> None:
    """Make parameters not nullable: one is given or left out."""
    schema = parameter["schema"]
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del schema["anyOf"]
        schema |= choices[0]


def _with_whole_bounds(schema: Any) -> None:
    """Write the bounds of integers as integers: FastAPI makes them floats, which turns 2**63 - 1 into 2**63."""
    if isinstance(schema, list):
        for item in schema:
            _with_whole_bounds(item)
    elif isinstance(schema, dict):
        if schema.get("type") == "integer":
            for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
                if isinstance(schema.get(name), float):
                    schema[name] = min(int(schema[name]), 2**63 - 1)
        for item in schema.values():
            _with_whole_bounds(item)


def _usual(path: str, method: str, operation: dict[str, Any]) -> list[int]:
    """Return the problems that any operation can end in."""
    statuses = [500, 503]
    if operation.get("security"):
        statuses += [401, 403]
    if "{" in path:
        statuses.append(404)
    if "requestBody" in operation:
        statuses += [408, 413, 415]
    if "requestBody" in operation or operation.get("parameters"):
        statuses.append(422)
    return statuses
