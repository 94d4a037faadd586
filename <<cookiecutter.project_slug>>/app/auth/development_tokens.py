"""Tokens for development, printed by `python -m app token` and used by the tests."""

from __future__ import annotations

import time
from collections.abc import Iterable

import jwt

from app.auth.settings import DEVELOPMENT_ISSUER, DEVELOPMENT_KEY, SYMMETRIC, JwtSettings
from app.core.config import load


class TokenRefused(Exception):
    """No token can be issued on this machine; the message has the reason and the next step."""


def make_token(scopes: Iterable[str], subject: str = "developer", ttl: float = 8 * 3600) -> str:
    """Return a token that this service accepts on a developer's machine for `ttl` seconds.

    Raises TokenRefused in staging and production, and where an identity provider's keys are set.
    """
    settings = load(JwtSettings)[0]
    assert isinstance(settings, JwtSettings)  # noqa: S101 - for the type checker
    if not settings.is_development:
        raise TokenRefused(
            f"ENVIRONMENT is {settings.environment}, where only the identity provider issues tokens; get one there."
        )
    if settings.accepted[0] not in SYMMETRIC:
        raise TokenRefused(
            "JWT_JWKS_URL or a public JWT_KEY is set: only their owner can sign. Unset it, or get a token there."
        )
    now = int(time.time())
    claims: dict[str, object] = {
        "iss": settings.issuer or DEVELOPMENT_ISSUER,
        "sub": subject,
        "iat": now,
        "exp": now + int(ttl),
        settings.audience_claim: settings.accepted_audiences[0],
    }
    scope_claim = next((claim for claim in settings.scope_claims if claim not in claims), None)
    if scope_claim is None:
        raise TokenRefused(
            f"JWT_SCOPE_CLAIMS ({', '.join(settings.scope_claims)}) has no claim for scopes; add `scope`."
        )
    claims[scope_claim] = " ".join(settings.scope_rules.spelt(scope) for scope in sorted(set(scopes)))
    key = settings.key.get_secret_value() if settings.key else DEVELOPMENT_KEY
    return jwt.encode(claims, key, algorithm=settings.accepted[0])
