"""docs/identity-providers.md is true: with the settings of a row, tokens in the shape of that provider are accepted."""

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jwt
import pytest

from app.api.routing import Router
from app.auth.settings import JwtSettings
from app.core.config import load
from app.core.security import requires
from tests.support.key_server import KeyServer, document, private_key
from tests.unit.conftest import ClientOf, MakeApp

PATH = Path(__file__).resolve().parents[3] / "docs" / "identity-providers.md"
PAGE = PATH.read_text(encoding="utf-8") if PATH.is_file() else ""
ROW = re.compile(r"^\| (?P<name>[^|]+) \| (?P<settings>`JWT_ISSUER=[^|]+) \|$", re.MULTILINE)
DOCUMENTED: dict[str, dict[str, str]] = {
    match["name"]: dict(re.findall(r"`(JWT_[A-Z_]+)=([^`]+)`", match["settings"])) for match in ROW.finditer(PAGE)
}

pytestmark = pytest.mark.skipif(not PAGE, reason="docs/ is not here (an image has none)")

COGNITO = {
    "sub": "5f0c8a52-0e2b-4a6e-9a0d-1c2d3e4f5a6b",
    "iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE",
    "version": 2,
    "client_id": "1example23456789",
    "token_use": "access",
    "username": "ada",
}
KEYCLOAK = {
    "iss": "https://id.example.com/realms/example",
    "sub": "f1b2c3d4-0000-4000-8000-000000000001",
    "typ": "Bearer",
    "azp": "shop-web",
    "aud": "account",
    "realm_access": {"roles": ["default-roles-example", "offline_access"]},
    "resource_access": {"account": {"roles": ["manage-account"]}},
    "scope": "profile email",
}
TENANT, API = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
ENTRA_1 = {
    "iss": f"https://sts.windows.net/{TENANT}/",
    "aud": f"api://{API}",
    "ver": "1.0",
    "sub": "AbC",
    "tid": TENANT,
}
ENTRA_2 = {
    "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
    "aud": API,
    "ver": "2.0",
    "sub": "AbC",
    "tid": TENANT,
}
# The claims of tokens that may read products, as the providers document them; times are added.
SHAPES: dict[str, list[dict[str, Any]]] = {
    "Amazon Cognito": [{**COGNITO, "scope": "openid shop/products:read"}],
    "Amazon Cognito, a resource server for each resource": [{**COGNITO, "scope": "openid products/read"}],
    "Auth0": [
        {
            "iss": "https://example.eu.auth0.com/",
            "sub": "auth0|123",
            "aud": ["https://shop.example.com", "https://example.eu.auth0.com/userinfo"],
            "azp": "abc",
            "scope": "openid profile",
            "permissions": ["products:read"],
        }
    ],
    "Keycloak, client scopes": [{**KEYCLOAK, "aud": ["shop-api", "account"], "scope": "profile email products:read"}],
    "Keycloak, client roles": [
        {
            **KEYCLOAK,
            "aud": ["shop-api", "account"],
            "resource_access": {"shop-api": {"roles": ["products:read"]}, "account": {"roles": ["view-profile"]}},
        }
    ],
    "Keycloak, realm roles": [{**KEYCLOAK, "realm_access": {"roles": ["offline_access", "shop-viewer"]}}],
    "Microsoft Entra ID, version 2": [
        {**ENTRA_2, "scp": "products.read", "azp": "33333333-3333-3333-3333-333333333333"},
        {**ENTRA_2, "roles": ["products.read"], "idtyp": "app"},
    ],
    "Microsoft Entra ID, version 1": [
        {**ENTRA_1, "scp": "products.read", "appid": "33333333-3333-3333-3333-333333333333"},
        {**ENTRA_1, "roles": ["products.read"], "appidacr": "1"},
    ],
    "Okta": [
        {
            "iss": "https://example.okta.com/oauth2/default",
            "aud": "api://default",
            "sub": "ada@example.com",
            "cid": "0oaexample",
            "uid": "00uexample",
            "scp": ["openid", "products:read"],
        }
    ],
    "Google, users of a Workspace domain": [
        {
            "iss": "https://accounts.google.com",
            "aud": "123456789-example.apps.googleusercontent.com",
            "azp": "123456789-example.apps.googleusercontent.com",
            "sub": "110169484474386276334",
            "hd": "example.com",
            "email": "ada@example.com",
            "email_verified": True,
        }
    ],
}
SETTINGS = [(name, setting) for name, row in DOCUMENTED.items() for setting in row if setting != "JWT_JWKS_URL"]


@pytest.fixture(scope="module")
def key_set() -> Iterator[str]:
    server = KeyServer(document("provider", alg="RS256"))
    yield server.url
    server.stop()


@pytest.fixture
def router() -> Router:
    router = Router(prefix="/products")

    @router.get("", dependencies=[requires("products:read")])
    async def read() -> str:
        return "read"

    @router.post("", dependencies=[requires("products:write")])
    async def write() -> str:
        return "written"

    return router


def headers(claims: Mapping[str, Any]) -> dict[str, str]:
    now = int(time.time())
    timed = {"iat": now, "exp": now + 3600, **claims}
    token = jwt.encode(timed, private_key("provider"), "RS256", headers={"kid": "provider"})
    return {"Authorization": f"Bearer {token}"}


def configured(environment: pytest.MonkeyPatch, settings: Mapping[str, str], key_set: str) -> None:
    for name, value in {**settings, "JWT_JWKS_URL": key_set}.items():
        environment.setenv(name, value)


def test_every_row_has_a_shape_and_every_shape_a_row() -> None:
    assert list(DOCUMENTED) == list(SHAPES)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_production_starts_with_the_settings_of_a_row(configuration: pytest.MonkeyPatch, name: str) -> None:
    for variable, value in {**DOCUMENTED[name], "ENVIRONMENT": "production"}.items():
        configuration.setenv(variable, value)
    [settings] = load(JwtSettings)
    assert isinstance(settings, JwtSettings)
    assert settings.jwks_url == DOCUMENTED[name]["JWT_JWKS_URL"]


@pytest.mark.parametrize("name", DOCUMENTED)
async def test_accepted_with_the_documented_settings(
    make_app: MakeApp, client_of: ClientOf, router: Router, key_set: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    configured(monkeypatch, DOCUMENTED[name], key_set)
    client = client_of(make_app(router, "/api/v1"))
    for claims in SHAPES[name]:
        answer = await client.get("/api/v1/products", headers=headers(claims))
        assert answer.status_code == 200, answer.text
        # A scope that the token does not have is not granted by any of the settings.
        assert (await client.post("/api/v1/products", headers=headers(claims))).status_code == 403


@pytest.mark.parametrize(("name", "setting"), SETTINGS)
async def test_refused_without_one_of_the_settings(
    make_app: MakeApp,
    client_of: ClientOf,
    router: Router,
    key_set: str,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    setting: str,
) -> None:
    """So no row has a setting that does nothing."""
    configured(monkeypatch, {key: value for key, value in DOCUMENTED[name].items() if key != setting}, key_set)
    client = client_of(make_app(router, "/api/v1"))
    statuses = {(await client.get("/api/v1/products", headers=headers(claims))).status_code for claims in SHAPES[name]}
    assert statuses & {401, 403}


@pytest.mark.parametrize("name", DOCUMENTED)
async def test_refused_for_another_audience(
    make_app: MakeApp, client_of: ClientOf, router: Router, key_set: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    configured(monkeypatch, DOCUMENTED[name], key_set)
    client = client_of(make_app(router, "/api/v1"))
    claim = DOCUMENTED[name].get("JWT_AUDIENCE_CLAIM", "aud")
    for claims in SHAPES[name]:
        answer = await client.get("/api/v1/products", headers=headers({**claims, claim: "another"}))
        assert answer.status_code == 401, answer.text
