"""Retries on a failing API server: which errors, and for how long."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from typing import Any

from toolkit.deploy.outcomes import Exit, Failed, fail
from toolkit.deploy.places.kubernetes.refusals import NO_PERMISSION, UNKNOWN_ADMISSION, refusal_in

TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
# An invalid manifest can cause a 500 too, which is permanent.
MANIFEST_FAULTS = (
    "failed to create typed patch object",
    "failed to create manager",
    ".metadata.managedFields",
    "failed to convert",
    "unable to parse quantity",
    "quantities must match the regular expression",
    "cannot unmarshal",
    "request is too large",
)
# 500s of a control plane that is being restarted; any other 500 with a message is permanent.
RESTARTING = re.compile(
    r"etcd|leader|time(d )?out|deadline|connection re|unavailable|shutting down|EOF|try again", re.I
)
UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"
# Seconds to wait for a temporary cause, before and after the first change.
CAUSE_SECONDS, CAUSE_SECONDS_WRITING = 5.0, 30.0


class NotFound(Exception):
    """HTTP 404."""


class WriteConflict(Exception):
    """HTTP 409: a lost compare-and-swap, or the conflict of an apply. The argument is the body."""


def insist(call: Callable[[], Any], patience: float, exit: Exit) -> Any:
    """Return the result of `call`, retried for `patience` seconds.

    A response with a known cause is not retried for that long, so that the user sees the cause.
    Raises NotFound, WriteConflict, Failed with the code of the refusal (see refusals.py), MANIFEST_INVALID, FORBIDDEN,
    UNAUTHENTICATED, SERVER_ERROR with the server's words, and CLUSTER_UNREACHABLE with `exit`.
    """
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    began, attempt = time.monotonic(), 0
    cause_seconds = CAUSE_SECONDS if exit is Exit.REFUSED else CAUSE_SECONDS_WRITING
    while True:
        last: Failed | None = None
        try:
            return call()
        except ApiException as error:
            pause, last = _judged(error, attempt)
            words = str(_body(error).get("message") or "")
            observed = f"HTTP {error.status} {words[:1000] or error.reason}"
        except (HTTPError, OSError, EOFError) as error:
            pause, observed, words = min(0.2 * 2**attempt, 3.0), repr(error)[:300], ""
            if UNTRUSTED in repr(error):
                raise fail(
                    "SERVER_UNTRUSTED",
                    "the API server's certificate does not match the kubeconfig",
                    repr(error)[:500],
                    hint="correct `server` and `certificate-authority` of the cluster in the kubeconfig",
                ) from None
        attempt += 1
        waited = time.monotonic() - began
        if last is not None and waited + pause > min(cause_seconds, patience):
            raise last
        if waited + pause > patience and words:
            hint = "wait until the control plane is healthy, then run the same command again"
            message = f"the API server answered with errors for {patience:.0f} s"
            raise fail("SERVER_ERROR", message, observed, hint=hint, exit=exit) from None
        if waited + pause > patience:
            raise fail(
                "CLUSTER_UNREACHABLE",
                f"the API server did not answer for {patience:.0f} s",
                observed,
                hint="check the network, the kubeconfig and the server; then run the same command again",
                exit=exit,
            ) from None
        time.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311 - jitter


def _judged(error: Any, attempt: int) -> tuple[float, Failed | None]:
    """Return the seconds until the next attempt, and the failure if a known cause does not pass in time.

    Raises for a permanent error.
    """
    body = _body(error)
    words = str(body.get("message") or "")
    if error.status == 404:
        raise NotFound(words or str(error.reason)) from None
    pause = min(0.2 * 2**attempt, 3.0)
    if error.status == 409:
        # Two concurrent requests counted against one quota: the server asks for a retry.
        if (body.get("details") or {}).get("kind") != "resourcequotas":
            raise WriteConflict(body) from None
        return pause, None
    failure = _named(error.status, words, str(error.reason))
    if failure is not None:
        if not _passes(error.status, words):
            raise failure from None
        return pause, failure
    if error.status in TRANSIENT or error.status == 0:
        after = (error.headers or {}).get("Retry-After", "")
        return min(float(after), 10.0) if after.isdigit() else pause, None
    hint = "correct the cause named in the API server's message, or ask a cluster administrator"
    raise fail(
        "SERVER_ERROR", f"the API server answered {error.status}", words or str(error.reason), hint=hint
    ) from None


def _named(status: int, words: str, reason: str) -> Failed | None:
    """Return the failure for a response of the server, with its message; None for one without. Pure."""
    known = refusal_in(words) if status in (400, 403, 409, 422, 500) else None
    if known:
        return fail(known.code, known.title, shortened(words), hint=known.hint)
    if status in (400, 415, 422) or (status == 500 and any(text in words for text in MANIFEST_FAULTS)):
        hint = "correct the template or the inventory"
        return fail("MANIFEST_INVALID", "the API server refused an object", shortened(words) or reason, hint=hint)
    if status == 401:
        hint = "log in to the cluster again, or correct the user in the kubeconfig"
        message = "the API server does not accept the kubeconfig's credentials"
        return fail("UNAUTHENTICATED", message, words[:1000] or reason, hint=hint)
    if status == 403 and words and not NO_PERMISSION.search(words):
        return fail(UNKNOWN_ADMISSION.code, UNKNOWN_ADMISSION.title, shortened(words), hint=UNKNOWN_ADMISSION.hint)
    if status == 403:
        hint = "`python3 tasks.py doctor ENV` lists the missing permissions"
        return fail("FORBIDDEN", "the API server did not allow it", words[:1000] or reason, hint=hint)
    if status == 500 and words and not RESTARTING.search(words):
        hint = "correct the cause named in the API server's message, or ask a cluster administrator"
        return fail("SERVER_ERROR", "the API server failed to process a request", shortened(words), hint=hint)
    return None


def _passes(status: int, words: str) -> bool:
    """Return True if the same request may succeed in a moment. Pure."""
    known = refusal_in(words)
    if known:
        return known.retried
    return status == 500 and not any(text in words for text in MANIFEST_FAULTS)


def shortened(words: str, most: int = 2000) -> str:
    """Return both ends of a long message: the reason comes last, after a dump of the object. Pure."""
    return words if len(words) <= most else f"{words[: most // 2]} [...] {words[-most // 2 :]}"


def _body(error: Any) -> dict[str, Any]:
    try:
        content = json.loads(error.body or "{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
