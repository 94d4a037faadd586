"""Tokens for tests: what `invoke token` prints, for any caller with any scopes."""

import os
from functools import lru_cache

from fastapi import FastAPI
from httpx2 import AsyncClient

from app.auth.development_tokens import make_token
from app.auth.signing import new_key
from app.core.security import all_scopes
from tests.support.waiting import PATIENCE

SUBJECT = "01890a5d-ac96-774b-bcce-b302099a8057"  # no user has it
# Operations without a token, and those on the caller's own, which need no scope.
PUBLIC = {
    *("health", "ready", "api_health", "jwks", "openid_configuration"),
    *("auth_token", "auth_refresh", "auth_logout", "auth_register", "auth_verify", "auth_forgot", "auth_reset"),
}
OWN = {"me_get", "me_change", "me_password", "me_sessions", "me_end_session"}
SECRETS = {"ACCOUNTS_KEY": new_key("EdDSA")}  # that a deployment has


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
    """The headers of a caller of a deployed service who may do everything: the user E2E_EMAIL logs in."""
    if "E2E_EMAIL" not in os.environ:
        return {}
    form = {"grant_type": "password", "username": os.environ["E2E_EMAIL"], "password": os.environ["E2E_PASSWORD"]}
    async with AsyncClient(base_url=base_url, timeout=PATIENCE) as client:
        answer = await client.post("/api/v1/auth/token", data=form)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}
