"""Tokens for development, printed by `python -m app token` and used by the tests."""

from __future__ import annotations

import time
from collections.abc import Iterable

from app.auth.account_settings import load_settings


class TokenRefused(Exception):
    """No token can be issued on this machine; the message has the reason and the next step."""


def make_token(scopes: Iterable[str], subject: str = "developer", ttl: float = 8 * 3600) -> str:
    """Return a token that this service accepts on a developer's machine for `ttl` seconds.

    Raises TokenRefused in staging and production, where only a user's log-in gives one.
    """
    settings = load_settings()
    if not settings.is_development:
        raise TokenRefused(f"ENVIRONMENT is {settings.environment}, where tokens need a log-in at /api/v1/auth/token.")
    now = int(time.time())
    return settings.key_ring.sign(
        {
            "iss": settings.issued_by,
            "aud": list(settings.audiences),
            "sub": subject,
            "iat": now,
            "exp": now + int(ttl),
            "scope": " ".join(sorted(set(scopes))),
        }
    )
