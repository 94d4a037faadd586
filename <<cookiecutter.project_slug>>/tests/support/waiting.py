"""Waits of tests: they end with what they wait for; the limit is for what never comes, on a machine however slow."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

PATIENCE = 120.0  # seconds


async def until(condition: Callable[[], bool | Awaitable[bool]], what: str, pause: float = 0.01) -> None:
    """Poll until it is true. Raises AssertionError that names `what` after PATIENCE."""
    end = time.monotonic() + PATIENCE
    while True:
        met = condition()
        if await met if inspect.isawaitable(met) else met:
            return
        assert time.monotonic() < end, f"waited {PATIENCE:.0f} s for {what}"
        await asyncio.sleep(pause)
