"""Tokens for tests: signed with the key that the service takes where nothing else is set."""

import time
from functools import lru_cache
from typing import Any

import jwt
from fastapi import FastAPI

from app.core.jwt import DEVELOPMENT_ISSUER, DEVELOPMENT_KEY, JwtSettings
from app.core.security import all_scopes

LIFETIME_SECONDS = 3600
SUBJECT = "tester"


def headers_for(*scopes: str, app: FastAPI | None = None, subject: str = SUBJECT) -> dict[str, str]:
    """The headers of a caller with just these scopes; with none named, but an application, of all that it knows."""
    if app is not None and not scopes:
        scopes = tuple(all_scopes(app))
    return {"Authorization": f"Bearer {_token(subject, scopes)}"}


def claims_for(*scopes: str, subject: str = SUBJECT) -> dict[str, Any]:
    """The claims of a good token; a test of bad ones changes them."""
    now = int(time.time())
    return {
        "iss": DEVELOPMENT_ISSUER,
        "aud": JwtSettings().audience,
        "sub": subject,
        "scope": " ".join(scopes),
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
    }


def signed(claims: dict[str, Any], key: str = DEVELOPMENT_KEY, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, key, algorithm)


@lru_cache(maxsize=256)
def _token(subject: str, scopes: tuple[str, ...]) -> str:
    # Kept, as a caller would: the service verifies a token once and looks it up from then on.
    return signed(claims_for(*scopes, subject=subject))
