"""Forged tokens: none of them opens a service that issues its tokens itself."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from app.api.application import Service
from app.api.routing import Router
from app.auth.signing import DEVELOPMENT_KEY, KIND, KeyRing, new_key
from app.core.security import Subject, requires
from tests.support.problems import assert_problem
from tests.unit.conftest import ClientOf, MakeApp

ISSUER, AUDIENCE = "https://accounts.example.com", "shop"
BUNDLE = new_key("EdDSA")
RING = KeyRing(BUNDLE)
SIGNER: Any = RING.signer.private
OTHER = ed25519.Ed25519PrivateKey.generate()
NOW = int(time.time())


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good token, changed; None takes one out."""
    good = {"iss": ISSUER, "aud": [AUDIENCE], "sub": "u1", "iat": NOW, "exp": NOW + 86_400, "scope": "items:read"}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(headers: dict[str, Any] | None = None, key: Any = None, algorithm: str = "EdDSA", **changes: Any) -> str:
    header = {"kid": RING.signer.kid, "typ": KIND, **(headers or {})}
    return jwt.encode(claims(**changes), key or SIGNER, algorithm=algorithm, headers=header)


def part(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def forged(signature: str = "", **header: Any) -> str:
    return f"{part({'kid': RING.signer.kid, 'typ': KIND, **header})}.{part(claims())}.{signature}"


def hmac_with_the_public_key() -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = RING.signer.public.public_bytes(serialization.Encoding.PEM, form)
    content = f"{part({'alg': 'HS256', 'typ': KIND, 'kid': RING.signer.kid})}.{part(claims())}"
    digest = hmac.new(public, content.encode(), hashlib.sha256).digest()
    return f"{content}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def other_claims(**changes: Any) -> str:
    header, _, signature = signed().split(".")
    return f"{header}.{part(claims(**changes))}.{signature}"


FORGED = {
    "alg none": forged(alg="none"),
    "alg nOnE with a signature": forged("c2ln", alg="nOnE"),
    "no alg": forged("c2ln"),
    "the public key as a shared secret": hmac_with_the_public_key(),
    "the development key": KeyRing(DEVELOPMENT_KEY).sign(claims()),
    "another key with this kid": signed(key=OTHER),
    "another kind of key": signed(key=ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
    "an unknown kid": signed({"kid": "other"}),
    "a kid of another type": forged("c2ln", alg="EdDSA", kid=1),
    "no signature": signed().rpartition(".")[0] + ".",
    "a changed signature": signed()[:-8] + "AAAAAAAA",
    "changed claims": other_claims(sub="root"),
    "its own key in jwk": signed(
        {"jwk": jwt.algorithms.OKPAlgorithm.to_jwk(OTHER.public_key(), as_dict=True)}, key=OTHER
    ),
    "its own key set in jku": signed({"jku": "https://evil.example/jwks.json"}, key=OTHER),
    "a critical extension": signed({"crit": ["exp"], "exp": 1}),
    "a token of another kind": signed({"typ": "JWT"}),
    "a token of no kind": signed({"typ": None}),
    "an expired one": signed(exp=NOW - 60, iat=NOW - 600),
    "one for later": signed(nbf=NOW + 86_400),
    "one made in the future": signed(iat=NOW + 86_400, exp=NOW + 90_000),
    "another issuer": signed(iss="https://accounts.example.com.evil.example"),
    "another service of this issuer": signed(aud=["bank"]),
    "no exp": signed(exp=None),
    "no iat": signed(iat=None),
    "no iss": signed(iss=None),
    "no aud": signed(aud=None),
    "no sub": signed(sub=None),
    "an empty sub": signed(sub=""),
    "a sub with NUL": signed(sub="a\0b"),
    "scopes of another type": signed(scope={"items:read": True}),
    "an oversized one": signed(padding="x" * 9000),
    "an encrypted one": "a.b.c.d.e",
    "no base64": "!!!.???.***",
    "nothing": "",
}


@pytest.fixture
def app(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> Service:
    for name, value in {"KEY": BUNDLE, "ISSUER": ISSUER, "AUDIENCE": f"{AUDIENCE},bank"}.items():
        monkeypatch.setenv(f"ACCOUNTS_{name}", value)
    router = Router(prefix="/items", tags=["items"])

    @router.get("", dependencies=[requires("items:read")])
    async def list_items(subject: Subject) -> str:
        return subject

    return make_app(router, "/api/v1")


async def test_a_good_token_is_let_in(app: Service, client_of: ClientOf) -> None:
    for token in (signed(), RING.sign(claims()), signed(aud=[AUDIENCE, "bank"])):
        answer = await client_of(app).get("/api/v1/items", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()) == (200, "u1")


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_token_is_refused(app: Service, client_of: ClientOf, name: str) -> None:
    client = client_of(app)
    for _ in range(2):  # a refusal is not remembered as a welcome
        answer = await client.get("/api/v1/items", headers={"Authorization": f"Bearer {FORGED[name]}"})
        assert_problem(answer, 401, "token_invalid")
        assert answer.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
