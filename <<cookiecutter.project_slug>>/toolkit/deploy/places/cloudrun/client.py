"""Requests to Google's APIs: JSON over HTTP, with retries of what may be repeated."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Exit, fail
from toolkit.deploy.places.cloudrun.errors import AGAIN, CONFLICT, GONE, WriteConflict, failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2

    from toolkit.deploy.places.changes import Changes
    from toolkit.deploy.places.cloudrun.auth import Tokens

Object = dict[str, Any]  # an object of the API, in its own form
SECONDS = 30.0
PATIENCE_SECONDS, PAUSE_SECONDS = 60.0, 1.0
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
        """Start something that must not start twice: no retry."""
        self.changes.allow()
        answer = self._send("POST", url, what, body, patience=0)
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
        patience: float = PATIENCE_SECONDS,
    ) -> httpx2.Response:
        """Send until there is a final answer. A write carries the version it was made from, so it may be repeated."""
        import httpx2

        deadline, pause = time.monotonic() + patience, PAUSE_SECONDS
        while True:
            headers = {"Authorization": f"Bearer {self.tokens.access()}"}
            try:
                answer = self._http.request(method, url, json=body, params=params, headers=headers)
            except httpx2.TransportError as error:
                if time.monotonic() + pause > deadline:
                    hint = "check the network, and the proxy settings of this machine"
                    message = f"Google's API does not answer: {what}"
                    raise fail("GOOGLE_UNREACHABLE", message, str(error), hint=hint, exit=Exit.TIMEOUT) from None
            else:
                if answer.status_code not in AGAIN or time.monotonic() + pause > deadline:
                    break
            time.sleep(pause)
            pause = min(2 * pause, 8.0)
        if answer.status_code == CONFLICT:
            raise WriteConflict(what)
        if answer.is_success or answer.status_code == GONE:
            return answer
        raise failure(answer.status_code, answer.text, what)
