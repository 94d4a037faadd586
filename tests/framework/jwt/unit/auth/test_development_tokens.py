"""Tokens for development: the service takes them, and nothing else makes them."""

import pytest

from app.auth.development_tokens import TokenRefused, make_token
from app.auth.provider import make_verifier
from app.auth.settings import JwtSettings


async def test_the_service_takes_them(configuration: pytest.MonkeyPatch) -> None:
    token = make_token(["items:write", "items:read", "items:read"], subject="me", ttl=60)
    identity = await make_verifier(JwtSettings()).verify(f"Bearer {token}".encode())
    assert identity.subject == "me"
    assert identity.scopes == {"items:read", "items:write"}


async def test_a_shared_secret_of_ones_own(configuration: pytest.MonkeyPatch) -> None:
    configuration.setenv("JWT_ALGORITHMS", "HS512")
    configuration.setenv("JWT_KEY", "k" * 64)
    configuration.setenv("JWT_ISSUER", "me")
    identity = await make_verifier(JwtSettings()).verify(f"Bearer {make_token([])}".encode())
    assert identity.scopes == frozenset()


async def test_tokens_in_the_shape_of_the_configured_provider(configuration: pytest.MonkeyPatch) -> None:
    shape = {"AUDIENCE_CLAIM": "client_id", "AUDIENCE": "a,b", "SCOPE_CLAIMS": "realm_access.roles"}
    for name, value in {**shape, "SCOPE_PREFIX": "shop/", "SCOPE_SEPARATOR": "."}.items():
        configuration.setenv(f"JWT_{name}", value)
    identity = await make_verifier(JwtSettings()).verify(f"Bearer {make_token(['items:read'])}".encode())
    assert identity.scopes == {"items:read"}


def test_no_claim_for_scopes(configuration: pytest.MonkeyPatch) -> None:
    configuration.setenv("JWT_SCOPE_CLAIMS", "sub")
    with pytest.raises(TokenRefused, match="JWT_SCOPE_CLAIMS"):
        make_token(["items:read"])


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_not_where_it_counts(configuration: pytest.MonkeyPatch, environment: str) -> None:
    variables = {"ENVIRONMENT": environment, "JWT_ALGORITHMS": "HS256", "JWT_KEY": "k" * 40}
    for name, value in {**variables, "JWT_ISSUER": "me", "JWT_AUDIENCE": "shop"}.items():
        configuration.setenv(name, value)
    with pytest.raises(TokenRefused, match=environment):
        make_token([])


def test_not_in_the_name_of_an_identity_provider(configuration: pytest.MonkeyPatch) -> None:
    configuration.setenv("JWT_JWKS_URL", "https://id.example.com/jwks")
    with pytest.raises(TokenRefused, match="JWT_JWKS_URL"):
        make_token([])
