"""Guessing over three instances: they count together."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from httpx2 import AsyncClient

from tests.integration.accounts.conftest import OTHER
from tests.support.service import running
from tests.support.waiting import PATIENCE

LIMITS = {
    "ACCOUNTS_ATTEMPTS_PER_ADDRESS": "12",
    "ACCOUNTS_ATTEMPTS_PER_PAIR": "5",
    "ACCOUNTS_HASH_QUEUE": "1000",
    "LOG_LEVEL": "ERROR",
}


@pytest.fixture
def instances(own_database: str) -> Iterator[list[str]]:
    with ExitStack() as stack:
        yield [stack.enter_context(running(own_database, **LIMITS)).url for _ in range(3)]


async def guess(url: str, email: str) -> int:
    form = {"grant_type": "password", "username": email, "password": OTHER}
    async with AsyncClient(base_url=url, timeout=PATIENCE) as client:
        return (await client.post("/api/v1/auth/token", data=form)).status_code


def allowed(free: int, seconds: float) -> float:
    """Return the number of attempts within a time: after the free ones, delays of 1, 2, 4 ... seconds."""
    return free + math.log2(seconds + 1)


async def test_guesses_are_counted_together(instances: list[str]) -> None:
    """At once, so that an instance that counted what it read before would let more through: three times as many."""
    begun = time.monotonic()
    one = Counter(await asyncio.gather(*(guess(url, "ada@example.com") for url in instances * 8)))
    assert set(one) == {400, 429}
    assert 5 <= one[400] <= allowed(5, time.monotonic() - begun)
    each = (guess(url, f"u{number}@example.com") for number, url in enumerate(instances * 8))
    many = Counter(await asyncio.gather(*each))
    assert 12 <= one[400] + many[400] <= allowed(12, time.monotonic() - begun)
