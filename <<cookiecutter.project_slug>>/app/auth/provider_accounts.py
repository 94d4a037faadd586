"""The issuer whose tokens are accepted: this service itself, by the settings ACCOUNTS_*."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.auth.account_settings import AccountSettings, MailSettings, load_settings
from app.auth.claims import ScopeRules
from app.auth.jwt import Accepted, Verifier
from app.auth.signing import KIND, KeyRing
from app.settings.base import EnvironmentSettings

SETTINGS: tuple[type[EnvironmentSettings], ...] = (AccountSettings, MailSettings)


def scheme(scopes: Iterable[str], under: str) -> dict[str, Any]:
    """Return the security scheme of the OpenAPI document, for Swagger's Authorize button."""
    flow = {"tokenUrl": f"{under.lstrip('/')}/auth/token", "scopes": dict.fromkeys(scopes, "")}
    return {"type": "oauth2", "description": "E-mail and password of a user.", "flows": {"password": flow}}


def load_verifier() -> Verifier:
    """Return the verifier of this process's settings. Raises ConfigurationError."""
    settings = load_settings()
    return make_verifier(settings, settings.key_ring)


def make_verifier(settings: AccountSettings, keys: KeyRing, *, cache_size: int = 10_000) -> Verifier:
    accepted = Accepted(
        algorithms=keys.algorithms,
        issuer=settings.issued_by,
        audiences=frozenset(settings.audiences[:1]),
        scope_rules=ScopeRules(claims=("scope",)),
        kind=KIND,
    )
    return Verifier(accepted, keys, cache_size=cache_size)
