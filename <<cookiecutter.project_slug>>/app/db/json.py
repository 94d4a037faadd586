"""One JSON for rows, wherever they go: to a client, or into a JSON column."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import asyncpg
import orjson
from asyncpg.pgproto import pgproto

# What orjson does not take by itself, by exact type: to ask isinstance of each value made a page of 50 rows cost 200 us
# in place of 55. asyncpg's UUID is a subclass of UUID; a decimal goes out as a string, exactly.
_FORMS: dict[type, Callable[[Any], object]] = {
    asyncpg.Record: lambda record: dict(record.items()),
    pgproto.UUID: str,
    Decimal: "{:f}".format,  # without an exponent, which str() has for the smallest
}
# A time zone is all that is missing where asyncpg found an infinite moment.
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


def _encode(value: object) -> object:
    form = _FORMS.get(type(value))
    if form is not None:
        return form(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def to_json(value: object) -> bytes:
    """Raises TypeError for what has no JSON form, and for integers beyond 64 bits."""
    try:
        return orjson.dumps(value, default=_encode, option=_OPTIONS)
    except orjson.JSONEncodeError as error:
        if "Recursion limit" not in str(error):
            raise
        return json.dumps(value, default=_deep, ensure_ascii=False, separators=(",", ":")).encode()


def _deep(value: object) -> object:
    """For a document that only SQL can have written: deeper than this service takes, and than orjson goes."""
    return dict(value.items()) if isinstance(value, Mapping | asyncpg.Record) else orjson.loads(to_json(value))


def from_json(text: str) -> Any:
    """A document of the database. What orjson refuses (1e400, or 1000 levels) is passed on as it stands."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return orjson.Fragment(text)


def to_json_text(value: object) -> str:
    return to_json(value).decode()
