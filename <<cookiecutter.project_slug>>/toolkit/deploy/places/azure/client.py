"""Requests to Azure's APIs: JSON over HTTP, retries of what may be repeated, and operations that take long."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolkit.deploy.inventory.containerapps_keys import Shape, unknown
from toolkit.deploy.outcomes import Exit, fail
from toolkit.deploy.places.azure.auth import ARM
from toolkit.deploy.places.azure.errors import (
    AGAIN,
    CONFLICT,
    GONE,
    THROTTLED,
    UNCHANGED,
    WriteConflict,
    failure,
    refused,
)

if TYPE_CHECKING:
    import httpx2

    from toolkit.deploy.places.azure.auth import Tokens
    from toolkit.deploy.places.changes import Changes

Object = dict[str, Any]  # an object of the API, in its own form
MANAGEMENT = "https://management.azure.com"
SECONDS = 30.0
PATIENCE_SECONDS, PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 60.0, 1.0, 15.0
OPERATION_SECONDS, POLL_SECONDS = 900.0, 1.0


class Client:
    """One connection pool. Members raise Failed AZURE_*, and WriteConflict for a blob that others have changed."""

    def __init__(self, tokens: Tokens, changes: Changes, version: str) -> None:
        """`version`: of the provider's API."""
        import httpx2

        self.tokens, self.changes, self.version = tokens, changes, version
        self._http = httpx2.Client(timeout=SECONDS)

    # Azure Resource Manager

    def get(self, path: str, what: str, **parameters: str) -> Object | None:
        """Return the object at a path below the management address; None if it does not exist."""
        answer = self.send("GET", MANAGEMENT + path, what, params={"api-version": self.version, **parameters})
        return None if answer.status_code == GONE else dict(answer.json())

    def items(self, path: str, what: str) -> list[Object]:
        """Return every item of a list; none without its owner."""
        return self.pages(f"{MANAGEMENT}{path}?api-version={self.version}", what, ARM)

    def pages(self, url: str, what: str, scope: str) -> list[Object]:
        """Return the items of every page of a list of any API."""
        found: list[Object] = []
        answer = self.send("GET", url, what, scope=scope)
        while answer.status_code != GONE:
            page = answer.json()
            found += page.get("value") or []
            if not page.get("nextLink"):
                break
            answer = self.send("GET", str(page["nextLink"]), what, scope=scope)
        return found

    def write(self, method: str, path: str, what: str, body: Object, shape: Shape) -> None:
        """Change something, and wait for the end of the operation. A key outside `shape` is a bug of the toolkit."""
        if faults := list(unknown(body, shape)):
            raise AssertionError(f"{what}: {'; '.join(faults)}")
        self.changes.allow()
        answer = self.send(method, MANAGEMENT + path, what, body, params={"api-version": self.version})
        if answer.status_code == GONE:
            raise failure(GONE, answer.text, what)
        self._await(answer, what)

    def act(self, path: str, what: str, *, repeat: bool = True) -> Object:
        """POST an action such as `start`. `repeat`: False for one that must not happen twice."""
        self.changes.allow()
        again = AGAIN if repeat else frozenset({THROTTLED})
        answer = self.send("POST", MANAGEMENT + path, what, params={"api-version": self.version}, again=again)
        if answer.status_code == GONE:
            raise failure(GONE, answer.text, what)
        begun = dict(answer.json()) if answer.content else {}
        return self._await(answer, what) or begun

    def delete(self, path: str, what: str) -> None:
        self.changes.allow()
        answer = self.send("DELETE", MANAGEMENT + path, what, params={"api-version": self.version})
        if answer.status_code != GONE:
            self._await(answer, what)

    def _await(self, answer: httpx2.Response, what: str) -> Object:
        """Follow a long-running operation by its status document, or else by its location, which has its result."""
        status_url, location = answer.headers.get("Azure-AsyncOperation"), answer.headers.get("Location")
        if answer.status_code not in (201, 202) or not (status_url or location):
            return {}
        deadline = time.monotonic() + OPERATION_SECONDS
        while time.monotonic() < deadline:
            self.changes.require()
            polled = self.send("GET", str(status_url or location), what)
            if status_url:
                content = polled.json() if polled.content else {}
                state = content.get("status", "Succeeded")
                if state == "Succeeded":
                    return {}
                if state in ("Failed", "Canceled"):
                    error = content.get("error") or {}
                    raise refused(str(error.get("code") or state), str(error.get("message") or state), what)
            elif polled.status_code != 202:
                return dict(polled.json()) if polled.content else {}
            time.sleep(min(_seconds(polled.headers.get("Retry-After"), POLL_SECONDS), LONGEST_PAUSE_SECONDS))
        hint = "look at the operation in the portal's activity log, then run the same command again"
        raise fail("AZURE_TIMEOUT", f"the operation on {what} did not end", hint=hint, exit=Exit.TIMEOUT)

    # every API

    def send(
        self,
        method: str,
        url: str,
        what: str,
        body: object = None,
        *,
        scope: str = ARM,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        again: frozenset[int] = AGAIN,
    ) -> httpx2.Response:
        """Send until there is a final answer: a success, or 404. A write names the whole state, and may be repeated."""
        import httpx2

        deadline, pause = time.monotonic() + PATIENCE_SECONDS, PAUSE_SECONDS
        while True:
            given = {"Authorization": f"Bearer {self.tokens.access(scope)}", **(headers or {})}
            wait = pause
            try:
                answer = self._http.request(method, url, json=body, content=content, params=params, headers=given)
            except httpx2.TransportError as error:
                if again is not AGAIN or time.monotonic() + pause > deadline:
                    hint = "check the network, and the proxy settings of this machine"
                    message = f"Azure does not answer: {what}"
                    raise fail("AZURE_UNREACHABLE", message, str(error), hint=hint, exit=Exit.TIMEOUT) from None
            else:
                if answer.is_success or answer.status_code == GONE:
                    return answer
                if content is not None and answer.status_code in (CONFLICT, UNCHANGED):
                    raise WriteConflict(what)
                wait = max(pause, _seconds(answer.headers.get("Retry-After"), 0))
                if answer.status_code not in again | {CONFLICT} or time.monotonic() + wait > deadline:
                    raise failure(answer.status_code, answer.text, what)
            time.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _seconds(text: str | None, default: float) -> float:
    return float(text) if text and text.isdecimal() else default
