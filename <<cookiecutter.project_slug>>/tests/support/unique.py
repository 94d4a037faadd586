"""Values that no other row has, for fields that must be unique."""

import datetime as dt
import itertools
import uuid
from decimal import Decimal

_numbers = itertools.count(1)


def text(least: int, most: int) -> str:
    """Between `least` and `most` characters long; its last ones count up."""
    return format(next(_numbers), f"0{max(least, min(most, 8))}d")[-most:]


def whole(low: int, high: int) -> int:
    return low + next(_numbers) % (high - low + 1)


def decimal(low: str, high: str, step: str) -> str:
    value = Decimal(low) + Decimal(step) * next(_numbers)
    return str(value if value <= Decimal(high) else Decimal(high))


def number(low: float, high: float) -> float:
    return low + (high - low) * (next(_numbers) % 9973) / 9973


def date() -> str:
    return (dt.date(2000, 1, 1) + dt.timedelta(days=next(_numbers))).isoformat()


def moment() -> str:
    return (dt.datetime(2000, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=next(_numbers))).isoformat()


def identifier() -> str:
    return str(uuid.uuid4())
