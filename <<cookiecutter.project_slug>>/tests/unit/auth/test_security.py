"""Authentication and authorisation: forged tokens, scopes, and routes without a declaration."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from fastapi import APIRouter
from httpx2 import Response

from app.api.application import Service
from app.api.routing import Router
from app.auth.jwt import Verifier
from app.auth.provider import make_verifier
from app.auth.settings import DEVELOPMENT_ISSUER, DEVELOPMENT_KEY, JwtSettings
from app.core import security
from app.core.config import ConfigurationError, load
from app.core.security import Subject, public, requires
from tests.support.problems import assert_problem
from tests.unit.conftest import ClientOf, MakeApp

ISSUER, AUDIENCE = "https://id.example.com/", "shop"
PRIVATE = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)


def pem(key: Any) -> str:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


PUBLIC_PEM = pem(PRIVATE.public_key())


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good token, changed; None takes one out."""
    now = int(time.time())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u1", "iat": now, "exp": now + 600, "scope": "items:read other"}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(headers: dict[str, Any] | None = None, key: Any = PRIVATE, algorithm: str = "RS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers=headers)


def part(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def forged(header: dict[str, Any], signature: str = "", **changes: Any) -> str:
    return f"{part(header)}.{part(claims(**changes))}.{signature}"


def hmac_with_the_public_key() -> str:
    """The classic: the public key taken for a shared secret (CVE-2016-5431 and its children)."""
    content = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims())}"
    digest = hmac.new(PUBLIC_PEM.encode(), content.encode(), hashlib.sha256).digest()
    return f"{content}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def other_claims(token: str, **changes: Any) -> str:
    """The same header and signature around other claims."""
    header, _, signature = token.split(".")
    return f"{header}.{part(claims(**changes))}.{signature}"


NOW = int(time.time())
JWK = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(OTHER.public_key()))
FORGED = {
    "alg none": forged({"alg": "none"}),
    "alg None": forged({"alg": "None"}),
    "alg nOnE with a signature": forged({"alg": "nOnE"}, "c2ln"),
    "no alg": forged({"typ": "JWT"}, "c2ln"),
    "alg of another type": forged({"alg": 1}, "c2ln"),
    "the public key as a shared secret": hmac_with_the_public_key(),
    "the development key": jwt.encode(claims(), DEVELOPMENT_KEY, "HS256"),
    "the development issuer and key": jwt.encode(claims(iss=DEVELOPMENT_ISSUER), DEVELOPMENT_KEY, "HS256"),
    "another key": signed(key=OTHER),
    "another algorithm of the same family": signed(algorithm="RS384"),
    "another kind of key": signed(key=ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
    "no signature": signed().rpartition(".")[0] + ".",
    "a changed signature": signed()[:-8] + "AAAAAAAA",
    "changed claims": other_claims(signed(), sub="root"),
    "its own key in jwk": signed({"jwk": JWK}, key=OTHER),
    "its own key set in jku": signed({"jku": "https://evil.example/jwks.json"}, key=OTHER),
    "its own certificate in x5u": signed({"x5u": "https://evil.example/x.pem"}, key=OTHER),
    "its own certificate in x5c": signed({"x5c": ["MIIB"]}, key=OTHER),
    "a critical extension": signed({"crit": ["exp"], "exp": 1}),
    "an expired one": signed(exp=NOW - 60, iat=NOW - 600),
    "one for later": signed(nbf=NOW + 86_400),
    "one made in the future": signed(iat=NOW + 86_400, exp=NOW + 90_000),
    "another issuer": signed(iss="https://id.example.com.evil.example/"),
    "an issuer without its slash": signed(iss=ISSUER.rstrip("/")),
    "an issuer in a list": other_claims(signed(), iss=[ISSUER]),
    "another audience": signed(aud="bank"),
    "audiences without ours": signed(aud=["bank", "shop2"]),
    "an audience that only begins like ours": signed(aud="shop.evil"),
    "no exp": signed(exp=None),
    "no iat": signed(iat=None),
    "no iss": signed(iss=None),
    "no aud": signed(aud=None),
    "no sub": signed(sub=None),
    "an empty sub": signed(sub=""),
    "an endless sub": signed(sub="x" * 256),
    "a sub with NUL": signed(sub="a\0b"),
    "an exp in words": forged({"alg": "RS256"}, "c2ln", exp="never"),
    "scopes of another type": signed(scope={"items:read": True}),
    "scopes in a list of numbers": signed(scope=None, scp=[1, 2]),
    "an audience of another type": signed(aud={AUDIENCE: True}),
    "audiences of another type": signed(aud=[AUDIENCE, 1]),
    "an oversized one": signed(padding="x" * 9000),
    "an encrypted one": "a.b.c.d.e",
    "two parts": "a.b",
    "no base64": "!!!.???.***",
    "no JSON": f"{part('x')}.{part('y')}.c2ln",
    "a header that is a list": f"{part([])}.{part(claims())}.c2ln",
    "nothing": "",
}


@pytest.fixture
def router() -> Router:
    router = Router(prefix="/items", tags=["items"])

    @router.get("", dependencies=[requires("items:read")])
    async def list_items(subject: Subject) -> str:
        return subject

    @router.post("", dependencies=[requires("items:read", "items:write")])
    async def create_item(data: dict[str, int]) -> dict[str, int]:
        return data

    @router.get("/silent")
    async def silent() -> str:
        return "no scope declared"

    @router.get("/open", dependencies=[public])
    async def open_to_all() -> str:
        return "hello"

    return router


@pytest.fixture
def app(make_app: MakeApp, router: Router, monkeypatch: pytest.MonkeyPatch) -> Service:
    """Takes RS256 of one key."""
    for name, value in {"KEY": PUBLIC_PEM, "ISSUER": ISSUER, "AUDIENCE": AUDIENCE}.items():
        monkeypatch.setenv(f"JWT_{name}", value)
    return make_app(router, "/api/v1")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def assert_challenge(answer: Response, status: int, code: str, error: str) -> None:
    """RFC 6750, 3: what a refusal has to say."""
    assert_problem(answer, status, code)
    assert answer.headers["WWW-Authenticate"].startswith(f'Bearer error="{error}"')
    assert answer.headers["WWW-Authenticate"].isascii()


async def test_a_good_token_is_let_in(app: Service, client_of: ClientOf) -> None:
    client = client_of(app)
    for token in (signed(), signed({"kid": "1", "jku": "https://evil.example"}), signed(aud=["x", AUDIENCE])):
        answer = await client.get("/api/v1/items", headers=bearer(token))
        assert (answer.status_code, answer.json()) == (200, "u1")


async def test_the_scheme_is_of_any_case(app: Service, client_of: ClientOf) -> None:
    answer = await client_of(app).get("/api/v1/items", headers={"Authorization": f"bEARER  {signed()}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_token_is_refused(app: Service, client_of: ClientOf, name: str) -> None:
    client = client_of(app)
    for _ in range(2):  # a refusal is not remembered as a welcome
        answer = await client.get("/api/v1/items", headers=bearer(FORGED[name]))
        assert_challenge(answer, 401, "token_invalid", "invalid_token")


@pytest.mark.parametrize("value", ["Basic dTpw", "Bearer", "Token abc", f"Bearer {signed()} x", "Bearer a b"])
async def test_another_scheme_is_refused(app: Service, client_of: ClientOf, value: str) -> None:
    answer = await client_of(app).get("/api/v1/items", headers={"Authorization": value})
    assert_challenge(answer, 401, "token_invalid", "invalid_token")


async def test_a_missing_token_is_401(app: Service, client_of: ClientOf) -> None:
    answer = await client_of(app).get("/api/v1/items")
    assert_problem(answer, 401, "token_missing")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_two_authorization_headers_are_401(app: Service, client_of: ClientOf) -> None:
    headers = [("Authorization", f"Bearer {signed()}"), ("Authorization", f"Bearer {signed(sub='root')}")]
    assert_problem(await client_of(app).get("/api/v1/items", headers=headers), 401, "token_invalid")


async def test_a_scope_that_is_missing_is_named(app: Service, client_of: ClientOf) -> None:
    answer = await client_of(app).post("/api/v1/items", json={}, headers=bearer(signed()))
    assert_challenge(answer, 403, "insufficient_scope", "insufficient_scope")
    assert 'scope="items:read items:write"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"scope": "items:read items:write"}, 200),
        ({"scope": None, "scp": ["items:read", "items:write"]}, 200),
        ({"scope": None, "scp": "items:write items:read"}, 200),
        ({"scope": "items:read", "scp": ["items:write"]}, 200),
        ({"scope": "items:reader items:writes"}, 403),
        ({"scope": "items:*"}, 403),
        ({"scope": "items:read,items:write"}, 403),
        ({"scope": None}, 403),
    ],
)
async def test_scopes_in_the_forms_that_providers_use(
    app: Service, client_of: ClientOf, changes: dict[str, Any], status: int
) -> None:
    answer = await client_of(app).post("/api/v1/items", json={}, headers=bearer(signed(**changes)))
    assert answer.status_code == status


async def test_a_stranger_is_refused_before_the_body_is_read(app: Service, client_of: ClientOf) -> None:
    answer = await client_of(app).post("/api/v1/items", content=b"{no json", headers={"Content-Type": "text/plain"})
    assert_problem(answer, 401, "token_missing")


async def test_a_route_without_a_declaration_requires_a_token(app: Service, client_of: ClientOf) -> None:
    client = client_of(app)
    assert_problem(await client.get("/api/v1/items/silent"), 401)
    assert (await client.get("/api/v1/items/silent", headers=bearer(signed(scope="")))).status_code == 200


async def test_a_public_route_requires_no_token(app: Service, client_of: ClientOf) -> None:
    assert (await client_of(app).get("/api/v1/items/open")).json() == "hello"


def test_every_scope_is_known(app: Service) -> None:
    assert security.all_scopes(app) == ["items:read", "items:write"]


def test_a_route_is_public_or_not() -> None:
    router = Router()
    with pytest.raises(ValueError, match="not both"):
        router.add_api_route("/x", lambda: None, dependencies=[public, requires("a")])


@pytest.fixture
def plain_router() -> APIRouter:
    """A router of FastAPI's own kind, which knows nothing of guards."""
    router = APIRouter()

    @router.get("/guarded", dependencies=[requires("items:read")])
    async def guarded() -> str:
        return "in"

    @router.get("/open", dependencies=[public])
    async def open_to_all() -> str:
        return "hello"

    return router


async def test_guards_work_on_a_plain_router_too(
    app: Service, make_app: MakeApp, client_of: ClientOf, plain_router: APIRouter
) -> None:
    app = make_app(plain_router, "/api/v1")
    security.refuse_unprotected(app, "/api/v1")
    client = client_of(app)
    assert_problem(await client.get("/api/v1/guarded"), 401)
    assert_problem(await client.get("/api/v1/guarded", headers=bearer(signed(scope=""))), 403)
    assert (await client.get("/api/v1/guarded", headers=bearer(signed()))).status_code == 200
    assert (await client.get("/api/v1/open")).status_code == 200


def test_the_service_does_not_start_with_an_open_door(app: Service, make_app: MakeApp, plain_router: APIRouter) -> None:
    security.refuse_unprotected(app, "/api/v1")
    plain_router.add_api_route("/forgotten", lambda: None)
    with pytest.raises(RuntimeError, match=r"GET /api/v1/forgotten"):
        security.refuse_unprotected(make_app(plain_router, "/api/v1"), "/api/v1")


def verifier(monkeypatch: pytest.MonkeyPatch, **options: Any) -> Verifier:
    for name, value in {"KEY": PUBLIC_PEM, "ISSUER": ISSUER, "AUDIENCE": AUDIENCE}.items():
        monkeypatch.setenv(f"JWT_{name}", value)
    return make_verifier(JwtSettings(), **options)


async def test_a_verified_token_is_remembered_until_it_expires(
    clean_environment: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = verifier(clean_environment)
    header = f"Bearer {signed(exp=NOW + 1000)}".encode()
    assert checks.remembered(header) is None
    identity = await checks.verify(header)
    assert checks.remembered(header) is identity
    assert checks.remembered(header[:-1]) is None
    monkeypatch.setattr("app.auth.jwt.time.time", lambda: NOW + 1001)
    assert checks.remembered(header) is None


async def test_the_memory_is_bounded(clean_environment: pytest.MonkeyPatch) -> None:
    checks = verifier(clean_environment, cache_size=3)
    headers = [f"Bearer {signed(sub=str(number))}".encode() for number in range(5)]
    for header in headers:
        await checks.verify(header)
    assert [checks.remembered(header) is not None for header in headers] == [False, False, True, True, True]


async def test_clocks_may_differ_a_little(clean_environment: pytest.MonkeyPatch) -> None:
    checks = verifier(clean_environment)
    now = int(time.time())
    assert await checks.verify(f"Bearer {signed(exp=now - 20, iat=now - 60)}".encode())
    assert await checks.verify(f"Bearer {signed(iat=now + 20)}".encode())


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [("ES256", ec.generate_private_key(ec.SECP256R1())), ("EdDSA", ed25519.Ed25519PrivateKey.generate())],
)
async def test_other_kinds_of_keys(clean_environment: pytest.MonkeyPatch, algorithm: str, key: Any) -> None:
    clean_environment.setenv("JWT_ALGORITHMS", algorithm)
    for name, value in {"KEY": pem(key.public_key()), "ISSUER": ISSUER, "AUDIENCE": AUDIENCE}.items():
        clean_environment.setenv(f"JWT_{name}", value)
    identity = await make_verifier(JwtSettings()).verify(f"Bearer {signed(key=key, algorithm=algorithm)}".encode())
    assert identity.subject == "u1"


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"JWT_ALGORITHMS": "none"}, "unsupported algorithm"),
        ({"JWT_ALGORITHMS": "HS256,RS256", "JWT_KEY": "x" * 40}, "mixes"),
        ({"JWT_ALGORITHMS": "HS256", "JWT_JWKS_URL": "https://id.example.com/jwks"}, "JWT_ALGORITHMS has HS"),
        ({"JWT_ALGORITHMS": "HS256", "JWT_KEY": "short"}, "shorter than 32"),
        ({"JWT_ALGORITHMS": "HS256", "JWT_KEY": PUBLIC_PEM}, "public key"),
        ({"JWT_ALGORITHMS": "ES256", "JWT_KEY": PUBLIC_PEM}, "not a public key"),
        ({"JWT_KEY": "hidden-word" * 4}, "not a public key"),
        ({"JWT_KEY": pem(rsa.generate_private_key(65537, 1024).public_key())}, "2048"),  # noqa: S505
        ({"JWT_KEY": PUBLIC_PEM, "JWT_JWKS_URL": "https://id.example.com/jwks"}, "both"),
        ({"JWT_JWKS_URL": "file:///etc/passwd"}, "https"),
        ({"JWT_JWKS_STALE_SECONDS": "60"}, "at least as long"),
        ({"JWT_JWKS_FRESH_SECONDS": "0"}, "greater than or equal to 1"),
        ({"JWT_ROLE_SCOPES": "admin"}, "invalid entry 'admin'"),
        ({"JWT_ROLE_SCOPES": "admin=a:read; =b:read"}, "invalid entry '=b:read'"),
    ],
)
def test_settings_that_would_be_a_hole(
    configuration: pytest.MonkeyPatch, variables: dict[str, str], reason: str
) -> None:
    for name, value in variables.items():
        configuration.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load(JwtSettings)
    assert reason in str(caught.value)
    assert "JWT_" in str(caught.value)
    assert "hidden-word" not in str(caught.value)


def test_production_names_each_setting_that_is_missing(configuration: pytest.MonkeyPatch) -> None:
    configuration.setenv("ENVIRONMENT", "production")
    with pytest.raises(ConfigurationError) as caught:
        load(JwtSettings)
    assert [problem.split()[0] for problem in caught.value.problems] == ["JWT_JWKS_URL", "JWT_ISSUER", "JWT_AUDIENCE"]
    configuration.setenv("JWT_AUDIENCE_CLAIM", "client_id")
    with pytest.raises(ConfigurationError, match="JWT_AUDIENCE is not set; set it to the `client_id` of tokens"):
        load(JwtSettings)
    configuration.setenv("JWT_KEY", DEVELOPMENT_KEY)
    configuration.setenv("JWT_ALGORITHMS", "HS256")
    with pytest.raises(ConfigurationError, match="development key"):
        load(JwtSettings)
    configuration.delenv("JWT_KEY")
    configuration.delenv("JWT_ALGORITHMS")
    configuration.setenv("JWT_JWKS_URL", "http://id.example.com/jwks")
    with pytest.raises(ConfigurationError, match="not encrypted"):
        load(JwtSettings)


def test_values_are_stripped(configuration: pytest.MonkeyPatch) -> None:
    configuration.setenv("JWT_ISSUER", "https://identity.example.com/\n")
    configuration.setenv("JWT_JWKS_URL", " https://identity.example.com/keys\n")
    settings = JwtSettings()
    assert settings.issuer == "https://identity.example.com/"
    assert settings.jwks_url == "https://identity.example.com/keys"
