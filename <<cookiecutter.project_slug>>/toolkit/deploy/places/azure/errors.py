"""Failures of Azure's APIs, from their answers. Pure."""

from __future__ import annotations

import json

from toolkit.deploy.outcomes import Exit, Failed, Failure, fail
from toolkit.deploy.places.azure import failures
from toolkit.deploy.places.azure.auth import LOG_IN

AGAIN = frozenset({429, 500, 502, 503, 504})
THROTTLED, UNCHANGED, CONFLICT, GONE = 429, 412, 409, 404


class WriteConflict(Exception):
    """The blob has changed since it was read, or exists already."""


def said(text: str) -> tuple[str, str]:
    """Return code and message of an answer in Azure Resource Manager's form; the beginning of any other answer."""
    try:
        content = json.loads(text)
        error = content.get("error") or content
        return str(error.get("code") or ""), str(error["message"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return "", text.strip()[:300] or "no reason given"


def failure(status: int, text: str, what: str) -> Failed:
    """Return the failure for the answer to a request. `what`: the object, for people."""
    code, message = said(text)
    line = f"{code}: {message}" if code else message
    if status == 401:
        return fail("AZURE_NOT_LOGGED_IN", f"Azure does not accept the credentials: {what}", line, hint=LOG_IN)
    if status == 403:
        hint = (
            "grant these credentials the roles that docs/ lists for this place; `python3 tasks.py doctor ENV` checks it"
        )
        return fail("AZURE_DENIED", f"the permission is missing: {what}", line, hint=hint)
    if status == GONE:
        hint = "check `subscription`, `resource_group` and the names in deploy/inventory.yaml"
        return fail("AZURE_NOT_FOUND", f"{what} does not exist", line, hint=hint)
    if status == CONFLICT:
        hint = "wait until the other operation on it has ended, then run the same command again"
        return fail("AZURE_BUSY", f"another operation on {what} is in progress", line, hint=hint, exit=Exit.TIMEOUT)
    if status in AGAIN:
        hint = "try again later; https://azure.status.microsoft shows disturbances"
        return fail("AZURE_UNAVAILABLE", f"Azure cannot answer: {what}", line, hint=hint, exit=Exit.TIMEOUT)
    return refused(code, message, what)


def refused(code: str, message: str, what: str) -> Failed:
    """Return the failure for a refused write, or for an operation that has failed."""
    found = failures.from_message(message)
    if found:
        return Failed(Failure(found.code, f"{what}: {found.message}", found.lines, found.hint))
    hint = "correct the value in deploy/inventory.yaml; docs/inventory.md lists every key"
    return fail("AZURE_REFUSED", f"Azure refuses {what}", f"{code}: {message}", hint=hint)
