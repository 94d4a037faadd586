"""Requests to Google's APIs: JSON over HTTP, with retries of what may be repeated."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Exit, fail
from toolkit.deploy.places.cloudrun.auth import Unreachable
from toolkit.deploy.places.cloudrun.errors import (
    AGAIN,
    CONFLICT,
    GONE,
    THROTTLED,
    UNAUTHORISED,
    WriteConflict,
    failure,
    pause_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2

    from toolkit.deploy.places.changes import Changes
    from toolkit.deploy.places.cloudrun.auth import Tokens

Object = dict[str, Any]  # an object of the API, in its own form
SECONDS = 20.0
# Under the lock, a release is half done: that is worth waiting for a network that comes back.
PATIENCE_SECONDS, LOCKED_PATIENCE_SECONDS = 45.0, 120.0
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 8.0
# gcloud's own variables: what it uses instead of Google's addresses, the toolkit uses too.
OVERRIDE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_{}"


def endpoint(api: str, default: str) -> str:
    """Return the address of an API, such as `run`, without a slash at its end."""
    return os.environ.get(OVERRIDE.format(api.upper()), default).rstrip("/")


class Client:
    """One connection pool. Members raise Failed GOOGLE_*, and WriteConflict for a write that lost."""

    def __init__(self, tokens: Tokens, changes: Changes) -> None:
        import httpx2

        self.tokens, self.changes = tokens, changes
        self._http = httpx2.Client(timeout=SECONDS)
        self._silent_since = 0.0  # no request has had an answer since; 0 while the network is fine

    def get(self, url: str, what: str, params: Mapping[str, str] | None = None) -> Object | None:
        """Return the object; None if it does not exist."""
        answer = self._send("GET", url, what, params=params)
        return None if answer.status_code == GONE else answer.json()

    def ask(self, url: str, what: str, body: Object) -> Object:
        """POST a question, which changes nothing."""
        answer = self._send("POST", url, what, body)
        if answer.status_code == GONE:
            raise failure(GONE, answer.text, what)
        return dict(answer.json())

    def write(self, method: str, url: str, what: str, body: Object | None = None) -> Object | None:
        """Change something, under the lock if one is held; None if there was nothing to delete."""
        self.changes.allow()
        answer = self._send(method, url, what, body)
        if answer.status_code == GONE:
            if method == "DELETE":
                return None
            raise failure(GONE, answer.text, what)
        return dict(answer.json()) if answer.content else {}

    def begin(self, url: str, what: str, body: Object) -> Object:
        """Start something that must not start twice: only a request that cannot have reached it is repeated."""
        self.changes.allow()
        answer = self._send("POST", url, what, body, again=frozenset({THROTTLED}))
        if answer.status_code == GONE:
            raise failure(GONE, answer.text, what)
        return dict(answer.json())

    def unguarded(self, method: str, url: str, what: str, body: Object) -> Object:
        """Change the lock itself."""
        answer = self._send(method, url, what, body)
        if answer.status_code == GONE:
            raise WriteConflict(what)
        return dict(answer.json())

    def _send(
        self,
        method: str,
        url: str,
        what: str,
        body: Object | None = None,
        params: Mapping[str, str] | None = None,
        again: frozenset[int] = AGAIN,
    ) -> httpx2.Response:
        """Send until there is a final answer. A write carries the version it was made from, so it may be repeated.

        The time limit of a cut network counts from the first request without an answer, whichever sent it: after a
        failed release, its rollback and the lock do not wait for the same network again.
        """
        import httpx2

        patience = LOCKED_PATIENCE_SECONDS if self.changes.guard else PATIENCE_SECONDS
        deadline, pause, renewed = time.monotonic() + patience, PAUSE_SECONDS, False
        while True:
            wait, began = pause, time.monotonic()
            try:
                headers = {"Authorization": f"Bearer {self.tokens.access()}"}
                answer = self._http.request(method, url, json=body, params=params, headers=headers)
            except (httpx2.TransportError, Unreachable) as error:
                unsent = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | Unreachable)
                self._silent_since = self._silent_since or began
                if not (unsent or again is AGAIN) or time.monotonic() + wait > self._silent_since + patience:
                    hint = "check the network, and the proxy settings of this machine"
                    message = f"Google's API does not answer: {what}"
                    raise fail("GOOGLE_UNREACHABLE", message, str(error), hint=hint, exit=Exit.TIMEOUT) from None
            else:
                self._silent_since = 0.0
                if answer.status_code == UNAUTHORISED and not renewed and self.tokens.renew():
                    renewed = True
                    continue
                wait = max(pause, pause_of(answer.headers.get("Retry-After")))
                if answer.status_code not in again or time.monotonic() + wait > deadline:
                    break
            time.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        if answer.status_code == CONFLICT:
            raise WriteConflict(what)
        if answer.is_success or answer.status_code == GONE:
            return answer
        raise failure(answer.status_code, answer.text, what)
