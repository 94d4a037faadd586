"""Access tokens for Google's APIs: the application default credentials, by google-auth."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Exit, Failed, Failure, fail

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.auth.transport.requests import Request

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
TOKEN = "CLOUDSDK_AUTH_ACCESS_TOKEN"  # noqa: S105 - gcloud's own variable, which pipelines set
LOG_IN = "run `gcloud auth application-default login`, or in a pipeline log in by workload identity (docs/cloudrun.md)"


class Unreachable(Failed):
    """The log-in has no answer: the request itself was not sent."""


class Tokens:
    """The tokens of one process. Members raise Failed GOOGLE_AUTH_MISSING, GOOGLE_NOT_LOGGED_IN, and Unreachable."""

    def __init__(self) -> None:
        self._credentials: Credentials | None = None

    def access(self) -> str:
        if given := os.environ.get(TOKEN):
            return given
        from_library = self._loaded()
        if not from_library.valid:
            from google.auth.exceptions import GoogleAuthError, TransportError

            try:
                from_library.refresh(_request())
            except TransportError as error:
                raise _unreachable(error) from None
            except (GoogleAuthError, OSError) as error:
                raise _not_logged_in(error) from None
        return str(from_library.token)

    def renew(self) -> bool:
        """Drop a token that Google no longer accepts. False for one that was given: there is no other."""
        if os.environ.get(TOKEN):
            return False
        self._credentials = None
        return True

    def identity(self, audience: str) -> str:
        """Return a token for the service's own address; empty where these credentials have none."""
        if os.environ.get(TOKEN):
            return ""
        with suppress(Exception):  # only service accounts have one, and each kind of credentials fails differently
            from google.oauth2 import id_token

            return str(id_token.fetch_id_token(_request(), audience))
        return str(getattr(self._credentials, "id_token", "") or "")

    def _loaded(self) -> Credentials:
        if self._credentials is None:
            require()
            import google.auth
            from google.auth.exceptions import GoogleAuthError, TransportError

            try:
                self._credentials, _ = google.auth.default(scopes=list(SCOPES))
            except TransportError as error:
                raise _unreachable(error) from None
            except (GoogleAuthError, OSError) as error:
                raise _not_logged_in(error) from None
        return self._credentials


def require() -> None:
    """Raises Failed GOOGLE_AUTH_MISSING."""
    try:
        import google.auth
        import google.auth.transport.requests  # noqa: F401
    except ImportError:
        raise fail(
            "GOOGLE_AUTH_MISSING",
            "the package google-auth, with which the toolkit logs in to Google, is not installed",
            hint='.venv/bin/uv add --dev "google-auth[requests]"',
        ) from None


def _request() -> Request:
    from google.auth.transport.requests import Request

    return Request()


def _not_logged_in(error: Exception) -> Failed:
    return fail("GOOGLE_NOT_LOGGED_IN", "no valid credentials for Google Cloud", _said(error), hint=LOG_IN)


def _unreachable(error: Exception) -> Unreachable:
    message, hint = "Google does not answer the log-in", "check the network, and the proxy settings of this machine"
    return Unreachable(Failure("GOOGLE_UNREACHABLE", message, (_said(error),), hint), Exit.TIMEOUT)


def _said(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
