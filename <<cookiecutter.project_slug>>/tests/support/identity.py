"""Tokens for tests: what `invoke token` prints, for any caller with any scopes."""

import os
from functools import lru_cache

from fastapi import FastAPI

from app.auth.development_tokens import make_token
from app.core.security import all_scopes

SUBJECT = "tester"
# Operations without a token, and those on the caller's own, which need no scope.
PUBLIC = {"health", "ready", "api_health"}
OWN: set[str] = set()
SECRETS: dict[str, str] = {}  # that a deployment has


def headers_for(*scopes: str, app: FastAPI | None = None, subject: str = SUBJECT) -> dict[str, str]:
    """The headers of a caller with just these scopes; with none named, but an application, of all that it knows."""
    if app is not None and not scopes:
        scopes = tuple(all_scopes(app))
    return {"Authorization": f"Bearer {_token(subject, scopes)}"}


@lru_cache(maxsize=256)
def _token(subject: str, scopes: tuple[str, ...]) -> str:
    # Kept, as a caller would: the service verifies a token once and looks it up from then on.
    return make_token(scopes, subject)


async def deployed_headers(base_url: str) -> dict[str, str]:
    """The headers of a caller of a deployed service who may do everything: the token in E2E_TOKEN."""
    token = os.environ.get("E2E_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}
