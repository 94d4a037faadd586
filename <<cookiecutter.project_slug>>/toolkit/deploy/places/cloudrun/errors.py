"""Failures of Google's APIs, from their answers. Pure."""

from __future__ import annotations

import json

from toolkit.deploy.outcomes import Exit, Failed, fail
from toolkit.deploy.places.cloudrun.auth import LOG_IN

AGAIN = frozenset({429, 500, 502, 503, 504})
UNAUTHORISED, GONE, CONFLICT, THROTTLED = 401, 404, 409, 429


class WriteConflict(Exception):
    """The object has changed since it was read, or exists already."""


def message_of(text: str) -> str:
    """Return the message of an answer in Google's form; the beginning of any other answer."""
    try:
        content = json.loads(text)
        return str(content["error"]["message"])
    except (KeyError, TypeError, ValueError):
        return text.strip()[:300] or "no reason given"


def pause_of(retry_after: str | None) -> float:
    """Return the seconds that an answer asks to wait; 0 for none, or for a date, which Google does not send."""
    try:
        return max(0.0, float(retry_after or 0))
    except ValueError:
        return 0.0


def failure(status: int, text: str, what: str) -> Failed:
    """Return the failure for the answer to a request. `what`: the object, for people."""
    said = message_of(text)
    if status == UNAUTHORISED:
        return fail("GOOGLE_NOT_LOGGED_IN", f"Google does not accept the credentials: {what}", said, hint=LOG_IN)
    if status == 403:
        hint = (
            "grant these credentials roles/run.developer on the project, and roles/iam.serviceAccountUser on the "
            "service's account; `python3 tasks.py doctor ENV` checks it"
        )
        return fail("GOOGLE_DENIED", f"the permission is missing: {what}", said, hint=hint)
    if status == GONE:
        return fail("GOOGLE_NOT_FOUND", f"{what} does not exist", said, hint="check `project` and `region`")
    if status == THROTTLED:
        hint = (
            "wait a minute, then run the same command again; the quotas of the Cloud Run Admin API are in the console"
        )
        return fail(
            "THROTTLED",
            f"Google throttles the requests, and their repetitions: {what}",
            said,
            hint=hint,
            exit=Exit.TIMEOUT,
        )
    if status in AGAIN:
        hint = "try again later; https://status.cloud.google.com shows disturbances"
        return fail("GOOGLE_UNAVAILABLE", f"Google's API cannot answer: {what}", said, hint=hint, exit=Exit.TIMEOUT)
    hint = "correct the value in deploy/inventory.yaml; docs/inventory.md lists every key"
    return fail("GOOGLE_REFUSED", f"Cloud Run refuses {what} (HTTP {status})", said, hint=hint)
