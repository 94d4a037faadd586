"""One JSON encoding for rows, in responses and in JSON columns."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import asyncpg
import orjson
from asyncpg.pgproto import pgproto

# Types that orjson does not support, by exact type: with isinstance for each value, a page of 50 rows cost 200 us in
# place of 55. asyncpg's UUID is a subclass of UUID; a decimal is sent as a string, exactly.
_FORMS: dict[type, Callable[[Any], object]] = {
    asyncpg.Record: lambda record: dict(record.items()),
    pgproto.UUID: str,
    Decimal: "{:f}".format,  # without an exponent, which str() has for the smallest
}
# asyncpg's infinite moments lack only a time zone.
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
    """Return the value as JSON. Raises TypeError for a type without a JSON form, and for integers beyond 64 bits."""
    try:
        return orjson.dumps(value, default=_encode, option=_OPTIONS)
    except orjson.JSONEncodeError as error:
        if "Recursion limit" not in str(error):
            raise
        return json.dumps(value, default=_deep, ensure_ascii=False, separators=(",", ":")).encode()


def _deep(value: object) -> object:
    """Encode a document that only SQL can have written: deeper than this service accepts and orjson supports."""
    return dict(value.items()) if isinstance(value, Mapping | asyncpg.Record) else orjson.loads(to_json(value))


def from_json(text: str) -> Any:
    """Decode a document of the database. One that orjson rejects (1e400, or 1000 levels) is passed on unchanged."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return orjson.Fragment(text)


def to_json_text(value: object) -> str:
    return to_json(value).decode()
