"""The wait for the service of a stack: until /ready answers 200, the service keeps crashing, or the time limit."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from toolkit.deploy.outcomes import Failed

READY_SECONDS = 180
MOST_RESTARTS = 2
WAITING = "waiting for the service to answer"


def wait(
    url: str, *, restarts: Callable[[], int], progress: Callable[[str], None], failed: Callable[[str], Failed]
) -> None:
    """Wait. Raises the exception that `failed` builds from the last response. `restarts` counts the container's."""
    end = time.monotonic() + READY_SECONDS
    while (seen := ask(url)) is not None:
        if restarts() > MOST_RESTARTS:
            raise failed(f"the service keeps crashing: {seen}")
        if time.monotonic() > end:
            raise failed(f"the service was not ready within {READY_SECONDS} s: {seen}")
        progress(seen)
        time.sleep(0.2)


def ask(url: str) -> str | None:
    """Return None when it is ready, else its response; a failed connection is part of waiting."""
    try:
        with urllib.request.urlopen(url, timeout=3):  # noqa: S310 - http, our own
            return None
    except urllib.error.HTTPError as error:
        with error:
            return _detail(error.read()) or str(error.reason)
    except (OSError, http.client.HTTPException):
        return WAITING


def _detail(body: bytes) -> str:
    try:
        return str(json.loads(body).get("detail", ""))
    except (ValueError, AttributeError):
        return ""
