"""Rows as JSON, serialised by orjson directly, without a model.

The tests compare the bytes with the resource's Read model and the OpenAPI document: same members, same formats.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request, Response

from app.db.driver import Row
from app.db.json import to_json


def json_response(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(to_json(content), status, headers=dict(headers) if headers else None, media_type="application/json")


def etag(row: Row) -> str:
    """Return a strong entity tag (RFC 9110, 8.8.3): every change of the row increments its version."""
    return f'"{row["version"]}"'


def resource_response(row: Row) -> Response:
    return json_response(row, headers={"ETag": etag(row)})


def created_response(request: Request, row: Row) -> Response:
    location = f"{request.scope['path']}/{row['id']}"
    return json_response(row, 201, headers={"ETag": etag(row), "Location": location})


def not_modified_or(if_none_match: str | None, row: Row) -> Response:
    """Return 304 when `If-None-Match` names the current version (RFC 9110, 13.1.2: weakly), else the resource."""
    if if_none_match is not None and matches(if_none_match, etag(row)):
        return Response(status_code=304, headers={"ETag": etag(row)})
    return resource_response(row)


def matches(header: str, tag: str) -> bool:
    candidates = [candidate.strip().removeprefix("W/") for candidate in header.split(",")]
    return "*" in candidates or tag in candidates
