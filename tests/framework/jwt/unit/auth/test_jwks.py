"""The identity provider's keys: how often they are fetched, from a key set that is served over HTTP."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from app.auth import jwks
from app.auth.jwk import NoKeys, parse_keys
from app.auth.jwks import KeySet
from app.core.exceptions import Unavailable
from tests.support.key_server import KeyServer, document

FRESH, STALE = 300.0, 3600.0
Later = Callable[[float], None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Lets time pass: `later(60)`."""
    clock = [1000.0]
    monkeypatch.setattr(jwks, "monotonic", lambda: clock[0])

    def pass_by(seconds: float) -> None:
        clock[0] += seconds

    return pass_by


@pytest.fixture
def provider() -> Iterator[KeyServer]:
    server = KeyServer(document("one"))
    yield server
    server.stop()


@pytest.fixture
def keys(provider: KeyServer, later: Later) -> KeySet:
    return KeySet(provider.url, ["RS256"], fresh=FRESH, stale=STALE)


async def settle(keys: KeySet) -> None:
    """Wait for the fetch in the background."""
    assert keys._fetch is not None
    await keys._fetch


async def test_concurrent_requests_share_one_fetch(provider: KeyServer, keys: KeySet) -> None:
    assert all(await asyncio.gather(*(keys.get("one", "RS256") for _ in range(20))))
    assert await keys.get("one", "RS256")
    assert provider.asked == 1


async def test_a_busy_service_refreshes_in_the_background(provider: KeyServer, keys: KeySet, later: Later) -> None:
    await keys.get("one", "RS256")
    provider.publish("two")
    later(FRESH * jwks.EARLY + 1)
    assert await keys.get("one", "RS256")  # the last keys, without waiting
    await settle(keys)
    assert provider.asked == 2
    assert await keys.get("one", "RS256") is None
    assert await keys.get("two", "RS256")


async def test_a_withdrawn_key_ends_when_the_keys_are_no_longer_fresh(
    provider: KeyServer, keys: KeySet, later: Later
) -> None:
    await keys.get("one", "RS256")
    provider.publish("two")
    assert await keys.get("one", "RS256")  # control: nothing has asked the provider yet
    later(FRESH)
    assert await keys.get("one", "RS256") is None


async def test_a_new_key_is_known_at_its_first_token(provider: KeyServer, keys: KeySet) -> None:
    await keys.get("one", "RS256")
    provider.publish("one", "two")
    assert all(await asyncio.gather(*(keys.get("two", "RS256") for _ in range(20))))
    assert provider.asked == 2


async def test_unknown_keys_are_searched_for_within_bounds(provider: KeyServer, keys: KeySet, later: Later) -> None:
    await keys.get("one", "RS256")
    for _ in range(50):
        assert await keys.get("foreign", "RS256") is None
    assert provider.asked == 2  # a client with the token of another provider
    for number in range(50):
        assert await keys.get(f"forged-{number}", "RS256") is None
    assert provider.asked == 1 + jwks.SEARCHES  # a flood of forged tokens
    provider.publish("one", "two")
    assert await keys.get("two", "RS256") is None
    later(jwks.SEARCH_SECONDS)
    assert await keys.get("two", "RS256")


async def test_the_last_keys_are_used_for_a_bounded_time(provider: KeyServer, keys: KeySet, later: Later) -> None:
    await keys.get("one", "RS256")
    provider.stop()
    step = (STALE - FRESH) / 10
    for _ in range(10):
        later(step)
        assert await keys.get("one", "RS256")
        await settle(keys)
        later(jwks.STALE_RETRY_SECONDS - 1)
        assert await keys.get("one", "RS256")
        assert not keys._is_fetching()  # not once a request
        later(1 - jwks.STALE_RETRY_SECONDS)
    later(FRESH)
    for _ in range(3):
        with pytest.raises(Unavailable) as caught:
            await keys.get("one", "RS256")
        later(5)
    assert caught.value.code == "keys_unavailable"
    assert "signing keys are unavailable" in str(caught.value)
    provider.start()
    later(jwks.RETRY_SECONDS)
    assert await keys.get("one", "RS256")


async def test_an_unknown_key_cannot_be_judged_while_the_provider_is_down(
    provider: KeyServer, keys: KeySet, later: Later
) -> None:
    await keys.get("one", "RS256")
    provider.stop()
    with pytest.raises(Unavailable):
        await keys.get("two", "RS256")
    assert await keys.get("one", "RS256")
    provider.publish("one", "two")
    provider.start()
    later(jwks.STALE_RETRY_SECONDS)
    assert await keys.get("two", "RS256")


async def test_without_any_key_the_provider_is_asked_once_a_second(
    provider: KeyServer, keys: KeySet, later: Later
) -> None:
    provider.content = b"no JSON"
    for _ in range(10):
        with pytest.raises(Unavailable) as caught:
            await keys.get("one", "RS256")
    assert caught.value.code == "keys_unavailable"
    assert provider.asked == 1
    later(jwks.RETRY_SECONDS)
    provider.publish("one")
    assert await keys.get("one", "RS256")


async def test_an_answer_that_never_ends_is_given_up(
    provider: KeyServer, keys: KeySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time limit for each read does not help: bytes keep coming."""
    monkeypatch.setattr(jwks, "FETCH_TIMEOUT_SECONDS", 0.3)
    provider.pause = 0.1
    with pytest.raises(Unavailable):
        await asyncio.wait_for(keys.get("one", "RS256"), 60)


async def test_a_caller_that_goes_away_does_not_end_the_fetch(provider: KeyServer, keys: KeySet) -> None:
    first = asyncio.create_task(keys.get("one", "RS256"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second = asyncio.create_task(keys.get("one", "RS256"))
    first.cancel()
    assert await second
    assert provider.asked == 1


@pytest.mark.parametrize("content", [b"no json", b"{}", b'{"keys": []}', b"[]", b"x" * (jwks.MAX_BYTES + 1)])
async def test_a_malformed_document_is_no_answer(provider: KeyServer, keys: KeySet, content: bytes) -> None:
    provider.content = content
    with pytest.raises(Unavailable):
        await keys.get("one", "RS256")


@pytest.mark.parametrize(
    ("content", "withdrawn"),
    [(b'{"keys": []}', True), (document("one", use="enc"), True), (b"<html>", False), (b'{"error": 1}', False)],
)
async def test_an_empty_key_set_withdraws_every_key(
    provider: KeyServer, keys: KeySet, later: Later, content: bytes, withdrawn: bool
) -> None:
    await keys.get("one", "RS256")
    provider.content = content
    later(FRESH)
    if withdrawn:
        with pytest.raises(Unavailable):
            await keys.get("one", "RS256")
    else:
        assert await keys.get("one", "RS256")


async def test_without_a_kid_the_key_must_be_the_only_one(provider: KeyServer, keys: KeySet, later: Later) -> None:
    assert await keys.get(None, "RS256")
    provider.publish("one", "two")
    later(FRESH)
    assert await keys.get(None, "RS256") is None


@pytest.mark.parametrize(("bits", "taken"), [(1024, False), (2048, True)])
def test_a_short_rsa_key_is_left_out(bits: int, taken: bool) -> None:
    """RFC 7518, 3.3 and 3.5."""
    public = rsa.generate_private_key(65537, bits).public_key()
    entry = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(public)), "kid": "new"}
    content = json.dumps({"keys": [entry, *json.loads(document("one"))["keys"]]}).encode()
    known = {kid for kid, _ in parse_keys(content, ["RS256", "PS256"])}
    assert known == ({"one", "new"} if taken else {"one"})


def test_a_key_is_for_its_algorithm() -> None:
    assert set(parse_keys(document("one"), ["RS256", "PS256"])) == {("one", "RS256"), ("one", "PS256")}
    assert set(parse_keys(document("one", alg="PS256"), ["RS256", "PS256"])) == {("one", "PS256")}
    others: list[dict[str, Any]] = [{"use": "enc"}, {"kty": "oct", "k": "eHg"}, {"alg": "RS512"}, {"n": "!"}]
    for more in others:
        with pytest.raises(NoKeys, match="no signing key"):
            parse_keys(document("one", **more), ["RS256"])
    with pytest.raises(NoKeys, match="no signing key"):
        parse_keys(document("one"), ["ES256"])
