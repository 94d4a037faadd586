"""Patience with an API server that fails for a while: what is tried again, what never, and for how long."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any

from deploy.model import Exit, fail

TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
# A manifest fault arrives as a 500 too, and stays one.
MANIFEST_FAULTS = ("failed to create typed patch object", "failed to create manager", ".metadata.managedFields")


class NotThere(Exception):
    """HTTP 404."""


class Stale(Exception):
    """HTTP 409: of a compare-and-swap, somebody was faster; of an apply, a conflict. The argument is the body."""


def insist(call: Callable[[], Any], patience: float, exit: Exit) -> Any:
    """The result of `call`, tried again for `patience` seconds.

    Raises NotThere, Stale, Failed MANIFEST_INVALID, FORBIDDEN, UNAUTHENTICATED, and CLUSTER_UNREACHABLE with `exit`.
    """
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    deadline, attempt = time.monotonic() + patience, 0
    while True:
        try:
            return call()
        except ApiException as error:
            pause = _judged(error, attempt)
            seen = f"HTTP {error.status} {error.reason}"
        except (HTTPError, OSError, EOFError) as error:
            pause, seen = min(0.2 * 2**attempt, 3.0), repr(error)[:300]
        attempt += 1
        if time.monotonic() + pause > deadline:
            raise fail(
                "CLUSTER_UNREACHABLE",
                f"the API server did not answer for {patience:.0f} s",
                seen,
                hint="check the network, the kubeconfig and the server; then run the same command again",
                exit=exit,
            ) from None
        time.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311 - jitter


def _judged(error: Any, attempt: int) -> float:
    """Seconds to wait before the next attempt. Raises for an answer that will stay what it is."""
    body = _body(error)
    message = str(body.get("message") or error.reason)
    if error.status == 404:
        raise NotThere(message) from None
    if error.status == 409:
        raise Stale(body) from None
    if (error.status == 500 and any(text in message for text in MANIFEST_FAULTS)) or error.status in (400, 415, 422):
        raise fail(
            "MANIFEST_INVALID",
            "the API server refused an object",
            message[:2000],
            hint="correct the template or the inventory",
        ) from None
    if error.status in (401, 403):
        code = "UNAUTHENTICATED" if error.status == 401 else "FORBIDDEN"
        raise fail(
            code,
            "the API server did not allow it",
            message[:1000],
            hint="`python3 tasks.py doctor ENV` lists what is missing",
        ) from None
    if error.status in TRANSIENT or error.status == 0:
        after = (error.headers or {}).get("Retry-After", "")
        return min(float(after), 10.0) if after.isdigit() else min(0.2 * 2**attempt, 3.0)
    raise error


def _body(error: Any) -> dict[str, Any]:
    try:
        content = json.loads(error.body or "{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
