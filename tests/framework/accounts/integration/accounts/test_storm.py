"""A storm of log-ins: other requests keep their time, because few passwords are hashed at once."""

import asyncio
import statistics
import time
from contextlib import suppress

from httpx2 import AsyncClient, TransportError

from tests.factories import FACTORIES
from tests.integration.accounts.conftest import OTHER
from tests.support.identity import headers_for
from tests.support.service import running
from tests.support.waiting import PATIENCE

REQUESTS, ATTACKERS = 400, 32
LIMITS = {f"ACCOUNTS_ATTEMPTS_PER_{name}": "100000" for name in ("ADDRESS", "ACCOUNT")}


async def attack(url: str, number: int) -> None:
    async with AsyncClient(base_url=url, timeout=PATIENCE) as client:
        for turn in range(1_000_000):
            form = {"grant_type": "password", "username": f"u{number}.{turn}@example.com", "password": OTHER}
            with suppress(TransportError):
                await client.post("/api/v1/auth/token", data=form)


async def p99(url: str, scopes: tuple[str, ...]) -> float:
    """Return the 99th percentile in seconds of a list, one request after the other."""
    times = []
    async with AsyncClient(base_url=url, timeout=PATIENCE, headers=headers_for(*scopes)) as client:
        for _ in range(REQUESTS):
            begun = time.perf_counter()
            answer = await client.get(FACTORIES[0].PATH)
            # One that is refused has no time at all.
            times.append(time.perf_counter() - begun if answer.status_code == 200 else PATIENCE)
    return statistics.quantiles(times, n=100)[98]


async def ratio(database_url: str, threads: int) -> float:
    """Return the p99 of a list during a storm, over the one before it."""
    scope = f"{FACTORIES[0].PATH.rpartition('/')[2]}:read"
    settings = {**LIMITS, "ACCOUNTS_HASH_THREADS": str(threads), "LOG_LEVEL": "ERROR"}
    with running(database_url, measured=False, **settings) as service:
        await p99(service.url, (scope,))
        idle = await p99(service.url, (scope,))
        attackers = [asyncio.create_task(attack(service.url, number)) for number in range(ATTACKERS)]
        await asyncio.sleep(1)
        try:
            stormy = await p99(service.url, (scope,))
        finally:
            for attacker in attackers:
                attacker.cancel()
            await asyncio.gather(*attackers, return_exceptions=True)
    print(f"{threads} threads: p99 {idle * 1000:.1f} ms idle, {stormy * 1000:.1f} ms in the storm")
    return stormy / idle


async def test_a_bounded_pool_keeps_other_requests_fast(own_database: str) -> None:
    """The control hashes as many at once as there are attackers."""
    bounded, control = await ratio(own_database, 1), await ratio(own_database, ATTACKERS)
    print(f"ratio {bounded:.1f}, control {control:.1f}")
    assert bounded < control
