"""The identity provider's keys, and what happens while it is away."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from app.core import jwks
from app.core.exceptions import Unauthorized, Unavailable
from app.core.jwks import KeySet, parse_keys
from app.core.jwt import JwtSettings, Verifier

KEYS = {kid: rsa.generate_private_key(65537, 2048) for kid in ("one", "two")}
URL = "https://id.example.com/jwks"


def document(*kids: str, **more: Any) -> bytes:
    entries = [
        {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEYS[kid].public_key())), "kid": kid, **more} for kid in kids
    ]
    return json.dumps({"keys": entries}).encode()


class Provider:
    """An identity provider that answers with `content`, or fails while it is None."""

    def __init__(self, content: bytes | None) -> None:
        self.content = content
        self.asked = 0

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        await asyncio.sleep(0.001)
        if self.content is None:
            raise httpx2.ConnectError("away")
        return httpx2.Response(200, content=self.content)

    def keys(self) -> KeySet:
        return KeySet(URL, ["RS256"], transport=httpx2.MockTransport(self))


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets time pass: `later(60)`."""
    clock = [1000.0]
    monkeypatch.setattr(jwks, "monotonic", lambda: clock[0])

    def pass_by(seconds: float) -> None:
        clock[0] += seconds

    return pass_by


async def settle(keys: KeySet) -> None:
    if keys._fetch is not None:
        await keys._fetch


@pytest.mark.parametrize(("bits", "taken"), [(1024, False), (2048, True)])
def test_a_short_rsa_key_is_left_out(bits: int, taken: bool) -> None:
    """RFC 7518, 3.3 and 3.5."""
    public = rsa.generate_private_key(65537, bits).public_key()
    entry = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(public)), "kid": "new"}
    content = json.dumps({"keys": [entry, *json.loads(document("one"))["keys"]]}).encode()
    known = {kid for kid, _ in parse_keys(content, ["RS256", "PS256"])}
    assert known == ({"one", "new"} if taken else {"one"})


async def test_many_requests_ask_once(later: Callable[[float], None]) -> None:
    provider = Provider(document("one"))
    keys = provider.keys()
    found = await asyncio.gather(*(keys.get("one", "RS256") for _ in range(20)))
    assert all(found)
    assert provider.asked == 1
    assert await keys.get("one", "RS256")
    assert provider.asked == 1


async def test_keys_are_asked_for_again_in_the_background(later: Callable[[float], None]) -> None:
    provider = Provider(document("one"))
    keys = provider.keys()
    await keys.get("one", "RS256")
    later(jwks.FRESH_SECONDS + 1)
    provider.content = document("two")
    assert await keys.get("one", "RS256")  # the old ones, at once
    await settle(keys)
    assert provider.asked == 2
    assert await keys.get("one", "RS256") is None
    assert await keys.get("two", "RS256")


async def test_the_old_keys_serve_while_the_provider_is_away(later: Callable[[float], None]) -> None:
    provider = Provider(document("one"))
    keys = provider.keys()
    await keys.get("one", "RS256")
    provider.content = None
    for _ in range(5):
        later(jwks.FRESH_SECONDS + 1)
        assert await keys.get("one", "RS256")
        await settle(keys)
    provider.content = document("two")
    later(jwks.REFETCH_SECONDS + 1)
    await keys.get("one", "RS256")
    await settle(keys)
    assert await keys.get("two", "RS256")


async def test_an_unknown_key_is_looked_for_once_in_a_while(later: Callable[[float], None]) -> None:
    provider = Provider(document("one"))
    keys = provider.keys()
    await keys.get("one", "RS256")
    for number in range(50):
        assert await keys.get(f"forged-{number}", "RS256") is None
    assert provider.asked == 1
    later(jwks.REFETCH_SECONDS + 1)
    provider.content = document("one", "two")
    assert await keys.get("two", "RS256")
    assert provider.asked == 2


async def test_without_any_key_the_service_says_that_it_cannot_tell(later: Callable[[float], None]) -> None:
    provider = Provider(None)
    keys = provider.keys()
    for _ in range(10):
        with pytest.raises(Unavailable) as caught:
            await keys.get("one", "RS256")
    assert caught.value.code == "keys_unavailable"
    assert provider.asked == 1  # not once a request
    later(jwks.FIRST_RETRY_SECONDS + 0.1)
    provider.content = document("one")
    assert await keys.get("one", "RS256")


async def test_a_caller_that_goes_away_does_not_end_the_fetch(later: Callable[[float], None]) -> None:
    provider = Provider(document("one"))
    keys = provider.keys()
    first = asyncio.create_task(keys.get("one", "RS256"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second = asyncio.create_task(keys.get("one", "RS256"))
    first.cancel()
    assert await second
    assert provider.asked == 1


@pytest.mark.parametrize("content", [b"no json", b"{}", b'{"keys": []}', b"[]", b"x" * (jwks.MAX_BYTES + 1)])
async def test_a_document_that_is_none_counts_as_away(later: Callable[[float], None], content: bytes) -> None:
    with pytest.raises(Unavailable):
        await Provider(content).keys().get("one", "RS256")


async def test_without_a_kid_the_key_must_be_the_only_one(later: Callable[[float], None]) -> None:
    assert await Provider(document("one")).keys().get(None, "RS256")
    assert await Provider(document("one", "two")).keys().get(None, "RS256") is None


@pytest.fixture
def verifier(clean_environment: pytest.MonkeyPatch) -> Verifier:
    """Takes tokens of a provider that has the key `one`."""
    for name, value in {"JWKS_URL": URL, "ISSUER": "id", "AUDIENCE": "shop"}.items():
        clean_environment.setenv(f"JWT_{name}", value)
    made = Verifier(JwtSettings())
    made.keys = Provider(document("one")).keys()
    return made


def bearer(signer: str, headers: dict[str, Any]) -> bytes:
    now = int(time.time())
    claims = {"iss": "id", "aud": "shop", "sub": "u1", "iat": now, "exp": now + 60}
    return f"Bearer {jwt.encode(claims, KEYS[signer], 'RS256', headers=headers)}".encode()


async def test_tokens_are_verified_with_the_providers_keys(verifier: Verifier) -> None:
    assert (await verifier.verify(bearer("one", {"kid": "one"}))).subject == "u1"
    assert (await verifier.verify(bearer("one", {}))).subject == "u1"


@pytest.mark.parametrize(
    ("signer", "headers"),
    [("two", {"kid": "one"}), ("two", {"kid": "two"}), ("one", {"kid": "x" * 300}), ("two", {})],
)
async def test_tokens_of_other_keys_are_refused(verifier: Verifier, signer: str, headers: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        await verifier.verify(bearer(signer, headers))


async def test_a_provider_that_is_away_is_no_fault_of_the_callers(verifier: Verifier) -> None:
    verifier.keys = Provider(None).keys()
    with pytest.raises(Unavailable):
        await verifier.verify(bearer("one", {"kid": "one"}))


async def test_a_key_is_for_its_algorithm() -> None:
    assert set(parse_keys(document("one"), ["RS256", "PS256"])) == {("one", "RS256"), ("one", "PS256")}
    assert set(parse_keys(document("one", alg="PS256"), ["RS256", "PS256"])) == {("one", "PS256")}
    for more in ({"use": "enc"}, {"kty": "oct", "k": "eHg"}, {"alg": "RS512"}, {"n": "!"}):
        with pytest.raises(ValueError, match="no key"):
            parse_keys(document("one", **more), ["RS256"])
    with pytest.raises(ValueError, match="no key"):
        parse_keys(document("one"), ["ES256"])
