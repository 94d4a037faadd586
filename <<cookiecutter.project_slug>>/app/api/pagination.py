"""Lists in pages: opaque keyset cursors (base64url of version, sort, a hash of list and filters, last values)."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Protocol
from urllib.parse import urlencode

import orjson
from fastapi import Request, Response
from pydantic import AllowInfNan, TypeAdapter, ValidationError
from sqlalchemy import Date, DateTime
from sqlalchemy.sql.schema import Column

from app.api.responses import json_response
from app.core.exceptions import Unprocessable
from app.db.json import to_json
from app.db.moments import BOUNDS
from app.schemas.base import to_utc
from app.services.base import ResourceService

VERSION = 1
# Days and moments that exist in PostgreSQL but not in Python, as PostgreSQL writes them.
_BEYOND = re.compile(r"-?infinity|\d{4,7}-\d\d-\d\d( \d\d:\d\d:\d\d(\.\d+)?[+-]\d\d(:\d\d){0,2})?( BC)?", re.ASCII)


class SortedQuery(Protocol):
    """A `PageQuery` with the resource's `sort`."""

    limit: int
    cursor: str | None

    @property
    def sort(self) -> str: ...
    def filters(self) -> dict[str, object]: ...


def encode(sort: str, digest: str, last: Sequence[object]) -> str:
    """Return a cursor after the row with the values `last`; `digest` is of the list and its filters."""
    # JSON has neither NaN nor infinity, which a column of numbers may hold.
    last = [str(value) if isinstance(value, float) and not math.isfinite(value) else value for value in last]
    payload = to_json([VERSION, sort, digest, last])
    return base64.urlsafe_b64encode(payload).rstrip(b"=").decode()


def decode(cursor: str, sort: str, digest: str, keys: Sequence[Column[Any]]) -> list[object]:
    """Return the last values of the previous page, in the types of `keys`.

    Raises Unprocessable for a cursor that was not made by `encode` for this list, this sort and these filters.
    """
    try:
        payload = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        version, made_for, made_of, last = payload
        if [version, made_for, made_of] != [VERSION, sort, digest]:
            raise _refusal("belongs to another query: keep the same sort and filters, or start again without a cursor")
        return [_typed(key, value) for key, value in zip(keys, last, strict=True)]
    except (binascii.Error, ValueError, TypeError, ValidationError):
        raise _refusal("was not issued by this service: use `next` of the previous page") from None


def _typed(key: Column[Any], value: object) -> object:
    """Return the value in the column's type. Raises ValueError for one that the column cannot hold."""
    try:
        typed = _adapter(key.type.python_type).validate_python(value)
    except ValidationError:
        if isinstance(key.type, Date | DateTime) and isinstance(value, str) and _BEYOND.fullmatch(value):
            return value
        raise
    return to_utc(typed) if isinstance(typed, dt.datetime) else typed


@lru_cache(maxsize=64)
def _adapter(python_type: type) -> TypeAdapter[Any]:
    return TypeAdapter(Annotated[python_type, AllowInfNan()] if python_type is Decimal else python_type)


def _digest(of: str, filters: Mapping[str, object]) -> str:
    canonical = orjson.dumps([of, dict(filters)], default=str, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()[:16]


def _refusal(reason: str) -> Unprocessable:
    return Unprocessable(
        code="invalid_cursor",
        detail=f"The cursor {reason}.",
        errors=[{"parameter": "cursor", "detail": reason}],
    )


async def page_response(request: Request, service: ResourceService, query: SortedQuery) -> Response:
    """`{"items": [...], "next": cursor | null}`, and `Link: <...>; rel="next"` (RFC 8288) while there is more."""
    filters = query.filters()
    digest = _digest(service.crud.table.name, filters)
    keys = service.readable.sort_keys(query.sort)
    after = None if query.cursor is None else decode(query.cursor, query.sort, digest, keys)
    # One row more than requested shows whether there is another page.
    rows = await service.list(sort=query.sort, filters=filters, after=after, limit=query.limit + 1)
    if len(rows) <= query.limit:
        return json_response({"items": rows, "next": None})
    rows = rows[: query.limit]
    last = [rows[-1][key.name] for key in keys]
    if not BOUNDS.isdisjoint(last):
        last = await service.place(query.sort, rows[-1]["id"]) or last
    cursor = encode(query.sort, digest, last)
    return json_response({"items": rows, "next": cursor}, headers={"Link": _next_link(request, cursor)})


def _next_link(request: Request, cursor: str) -> str:
    """Return the URL of the next page without the host: behind a proxy the service does not know its own."""
    query = urlencode({**request.query_params, "cursor": cursor})
    return f'<{request.scope["path"]}?{query}>; rel="next"'
