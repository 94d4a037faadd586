"""Requests to the service, by the address of its clients."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from contextlib import suppress

SECONDS = 5


def get(url: str) -> object:
    """Return the JSON of a response, whatever its status; None without one."""
    with suppress(OSError, ValueError):
        try:
            with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - the inventory's own address
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return json.load(error)
    return None
