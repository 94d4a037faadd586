"""Requests to the app's own addresses, as its clients send them."""

from __future__ import annotations

SECONDS = 20.0  # a replica may have to start first


class Front:
    """The app's ingress; Container Apps itself asks for no identity."""

    def __init__(self) -> None:
        import httpx2

        self._http = httpx2.Client(timeout=SECONDS)

    def json(self, url: str, path: str) -> object:
        """Return the JSON response to GET; None without one."""
        try:
            return self._http.get(url + path).json() if url else None
        except (self._errors, ValueError):
            return None

    def text(self, url: str, path: str) -> str:
        """Return the response to GET; empty without one, or for an error."""
        try:
            answer = self._http.get(url + path) if url else None
        except self._errors:
            return ""
        return answer.text if answer is not None and answer.is_success else ""

    @property
    def _errors(self) -> type[Exception]:
        import httpx2

        return httpx2.TransportError
