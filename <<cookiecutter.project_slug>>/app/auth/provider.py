"""The issuer whose tokens are accepted: an identity provider, by the settings JWT_*."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from app.auth.jwk import Key
from app.auth.jwks import KeySet
from app.auth.jwt import Accepted, Verifier
from app.auth.settings import DEVELOPMENT_ISSUER, DEVELOPMENT_KEY, JwtSettings, load_key
from app.core.config import load
from app.settings.base import EnvironmentSettings

if TYPE_CHECKING:
    import httpx2

SETTINGS: tuple[type[EnvironmentSettings], ...] = (JwtSettings,)


def scheme(scopes: Iterable[str], under: str) -> dict[str, Any]:
    """Return the security scheme of the OpenAPI document, for Swagger's Authorize button."""
    text = "A token of the identity provider (RFC 6750)."
    return {"type": "http", "description": text, "scheme": "bearer", "bearerFormat": "JWT"}


class FixedKey:
    """The one key of JWT_KEY, or the development key; it never changes."""

    trusted_until = float("inf")

    def __init__(self, key: Key) -> None:
        self._key = key

    async def get(self, kid: str | None, algorithm: str) -> Key:
        return self._key

    async def refresh_if_due(self) -> None: ...


def load_verifier() -> Verifier:
    """Return the verifier of this process's settings. Raises ConfigurationError."""
    settings = load(JwtSettings)[0]
    assert isinstance(settings, JwtSettings)  # noqa: S101 - for the type checker
    return make_verifier(settings)


def make_verifier(
    settings: JwtSettings, *, cache_size: int = 10_000, transport: httpx2.AsyncBaseTransport | None = None
) -> Verifier:
    accepted = Accepted(
        algorithms=settings.accepted,
        issuer=settings.issuer or DEVELOPMENT_ISSUER,
        audiences=frozenset(settings.accepted_audiences),
        audience_claim=settings.audience_claim,
        scope_rules=settings.scope_rules,
    )
    if settings.jwks_url is None:
        secret = settings.key.get_secret_value() if settings.key else DEVELOPMENT_KEY
        return Verifier(accepted, FixedKey(load_key(secret, settings.accepted)), cache_size=cache_size)
    keys = KeySet(
        settings.jwks_url,
        list(settings.accepted),
        fresh=settings.jwks_fresh_seconds,
        stale=settings.jwks_stale_seconds,
        transport=transport,
    )
    verifier = Verifier(accepted, keys, cache_size=cache_size)
    keys.on_withdrawal = verifier.forget
    return verifier
