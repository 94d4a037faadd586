"""Values that no other row has, for fields that must be unique: not even one of another worker's or yesterday's."""

import datetime as dt
import itertools
import secrets
import uuid
from decimal import Decimal, localcontext

DAYS = 2_900_000  # from 2000 to the year 9939, which PostgreSQL and Python both have
_numbers = itertools.count(secrets.randbelow(10**8))


def text(least: int, most: int) -> str:
    """Between `least` and `most` characters long; its last ones count up."""
    return format(next(_numbers), f"0{max(least, min(most, 8))}d")[-most:]


def whole(low: int, high: int) -> int:
    return low + next(_numbers) % (high - low + 1)


def decimal(low: str, high: str, step: str) -> str:
    with localcontext(prec=80):  # twice what a column can have
        steps = (Decimal(high) - Decimal(low)) // Decimal(step) + 1
        return format(Decimal(low) + Decimal(step) * (next(_numbers) % steps), "f")


def number(low: float, high: float) -> float:
    return low + (high - low) * (next(_numbers) % 9973) / 9973


def date() -> str:
    return (dt.date(2000, 1, 1) + dt.timedelta(days=next(_numbers) % DAYS)).isoformat()


def moment() -> str:
    return (dt.datetime(2000, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=next(_numbers))).isoformat()


def identifier() -> str:
    return str(uuid.uuid4())
