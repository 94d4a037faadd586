"""Requests to the service's own addresses, as its clients send them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2

    from toolkit.deploy.places.cloudrun.auth import Tokens

SECONDS = 20.0  # an instance may have to start first
# Not `Authorization`, which is the service's own.
HEADER = "X-Serverless-Authorization"


class Front:
    """The public side of a service. `public`: Cloud Run admits requests without an identity."""

    def __init__(self, tokens: Tokens, *, public: bool) -> None:
        import httpx2

        self._tokens, self._public = tokens, public
        self._identities: dict[str, str] = {}
        self._http = httpx2.Client(timeout=SECONDS)

    def json(self, url: str, path: str, audience: str) -> object:
        """Return the JSON response to GET; None without one."""
        answer = self._get(url, path, audience)
        try:
            return None if answer is None else answer.json()
        except ValueError:
            return None

    def text(self, url: str, path: str, audience: str) -> str:
        """Return the response to GET; empty without one, or for an error."""
        answer = self._get(url, path, audience)
        return answer.text if answer is not None and answer.is_success else ""

    def _get(self, url: str, path: str, audience: str) -> httpx2.Response | None:
        import httpx2

        if not url:
            return None
        if not self._public and audience not in self._identities:
            self._identities[audience] = self._tokens.identity(audience)
        token = self._identities.get(audience)
        try:
            return self._http.get(url + path, headers={HEADER: f"Bearer {token}"} if token else {})
        except httpx2.TransportError:
            return None
