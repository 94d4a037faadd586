"""Tokens for development: what `invoke token` prints, and what the tests call the API with."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

import jwt

from app.core.config import load
from app.core.jwt import DEVELOPMENT_ISSUER, DEVELOPMENT_KEY, SYMMETRIC, JwtSettings


class TokenRefused(Exception):
    """No token can be made here; the message says why and what to do."""


def make_token(scopes: Iterable[str], subject: str = "developer", ttl: float = 8 * 3600) -> str:
    """A token that this service accepts on a developer's machine, for `ttl` seconds.

    Raises TokenRefused in staging and production, and where an identity provider's keys are set.
    """
    settings = load(JwtSettings)[0]
    assert isinstance(settings, JwtSettings)  # noqa: S101 - for the type checker
    if not settings.is_development:
        raise TokenRefused(
            f"ENVIRONMENT is {settings.environment}: ask the identity provider for a token, not this machine."
        )
    if settings.accepted[0] not in SYMMETRIC:
        raise TokenRefused(
            "JWT_JWKS_URL or a public JWT_KEY is set: only their owner can sign. Unset it, or ask there."
        )
    now = int(time.time())
    claims = {
        "iss": settings.issuer or DEVELOPMENT_ISSUER,
        "aud": settings.audience,
        "sub": subject,
        "iat": now,
        "exp": now + int(ttl),
        "scope": " ".join(sorted(set(scopes))),
    }
    key = settings.key.get_secret_value() if settings.key else DEVELOPMENT_KEY
    return jwt.encode(claims, key, algorithm=settings.accepted[0])


def show(scopes: Iterable[str], *, everything: bool) -> None:
    """The task `token`: print a token, alone on the last line. Raises SystemExit with the reason when there is none."""
    if everything:
        from app.core.security import all_scopes
        from app.main import create_app

        scopes = all_scopes(create_app())
    scopes = sorted(set(scopes))
    if not scopes:
        raise SystemExit("Which scopes? Name them (token --scope products:read --scope products:write), or say --all.")
    try:
        token = make_token(scopes)
    except TokenRefused as refused:
        raise SystemExit(str(refused)) from None
    print(f"scopes: {' '.join(scopes)}", file=sys.stderr)
    print(token)
