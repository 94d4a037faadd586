"""The public keys (RFC 7517) and the metadata (OpenID Connect Discovery 1.0, RFC 8414), by which others verify."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from app.accounts.core import AccountsDep
from app.api.responses import json_response
from app.api.routing import Router
from app.core.security import public

router = Router(prefix="/.well-known", tags=["Authentication"], dependencies=[public])

# Others learn of a new key within this time; `keys.rotate` publishes one a deployment before it signs.
KEPT = {"Cache-Control": "public, max-age=300"}


@router.get("/jwks.json", operation_id="jwks", response_model=dict[str, Any])
async def jwks(accounts: AccountsDep) -> Response:
    """The public keys of the access tokens."""
    return json_response(accounts.keys.published(), headers=KEPT)


@router.get("/openid-configuration", operation_id="openid_configuration", response_model=dict[str, Any])
async def openid_configuration(request: Request, accounts: AccountsDep) -> Response:
    """The addresses and algorithms of this issuer: the subset that is true for a service without a log-in page."""
    settings = accounts.settings
    base = settings.issuer or str(request.base_url).rstrip("/")
    prefix = f"{base}{request.app.state.settings.api_v1_str}/auth"
    content = {
        "issuer": settings.issued_by,
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "token_endpoint": f"{prefix}/token",
        "grant_types_supported": ["password"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": ["none"],
        "id_token_signing_alg_values_supported": list(accounts.keys.algorithms),
        "scopes_supported": sorted(accounts.scopes),
    }
    return json_response(content, headers=KEPT)
