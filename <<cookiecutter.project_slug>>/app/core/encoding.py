"""One JSON for rows, wherever they go: to a client, or into a JSON column."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Protocol, runtime_checkable

import orjson


@runtime_checkable
class _Items(Protocol):
    def items(self) -> object: ...


def _encode(value: object) -> object:
    # asyncpg's UUID is a subclass of UUID, which orjson does not take; a decimal goes out as a string, exactly.
    if isinstance(value, (uuid.UUID, Decimal)):
        return str(value)
    if isinstance(value, _Items):  # asyncpg's Record
        return dict(value.items())  # pyrefly: ignore
    raise TypeError(f"{type(value).__name__} has no JSON form")


def to_json(value: object) -> bytes:
    """Raises TypeError for what has no JSON form, and for integers beyond 64 bits."""
    return orjson.dumps(value, default=_encode, option=orjson.OPT_UTC_Z)


def to_json_text(value: object) -> str:
    return to_json(value).decode()
