"""Tokens while the identity provider changes its keys: withdrawn, added, and out of reach."""

from collections.abc import Callable, Iterator

import pytest

from app.auth import jwks
from app.auth import jwt as tokens
from app.auth.jwt import Identity, Verifier
from app.auth.provider import make_verifier
from app.auth.settings import JwtSettings
from app.core.exceptions import Unauthorized, Unavailable
from tests.support.key_server import AUDIENCE, ISSUER, KeyServer, bearer, document

FRESH, STALE = 100.0, 1000.0
Later = Callable[[float], None]


@pytest.fixture
def provider() -> Iterator[KeyServer]:
    server = KeyServer(document("a"))
    yield server
    server.stop()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Lets time pass for the keys; tokens do not expire."""
    clock = [1000.0]
    for module in (jwks, tokens):
        monkeypatch.setattr(module, "monotonic", lambda: clock[0])

    def pass_by(seconds: float) -> None:
        clock[0] += seconds

    return pass_by


@pytest.fixture
def verifier(clean_environment: pytest.MonkeyPatch, provider: KeyServer, later: Later) -> Verifier:
    settings = {"JWKS_URL": provider.url, "ISSUER": ISSUER, "AUDIENCE": AUDIENCE}
    bounds = {"JWKS_FRESH_SECONDS": str(FRESH), "JWKS_STALE_SECONDS": str(STALE)}
    for name, value in {**settings, **bounds}.items():
        clean_environment.setenv(f"JWT_{name}", value)
    clean_environment.setattr(jwks, "FETCH_TIMEOUT_SECONDS", 60.0)  # the machine may be busy
    return make_verifier(JwtSettings())


async def admit(verifier: Verifier, header: bytes) -> Identity:
    """Return the outcome of a guard for a request."""
    return verifier.remembered(header) or await verifier.verify(header)


async def settle(verifier: Verifier) -> None:
    assert isinstance(verifier.keys, jwks.KeySet)
    assert verifier.keys._fetch is not None
    await verifier.keys._fetch


async def test_a_remembered_token_ends_with_its_key(verifier: Verifier, provider: KeyServer, later: Later) -> None:
    token = bearer("a")
    await admit(verifier, token)
    provider.publish("b")
    later(FRESH)
    assert verifier.remembered(token) is None
    with pytest.raises(Unauthorized, match="signing key is unknown"):
        await admit(verifier, token)
    assert await admit(verifier, bearer("b"))


async def test_a_remembered_token_is_trusted_without_a_question_while_the_keys_are_fresh(
    verifier: Verifier, provider: KeyServer, later: Later
) -> None:
    """The negative control of the test above: what it withdraws would be accepted."""
    token = bearer("a")
    identity = await admit(verifier, token)
    provider.publish("b")
    later(FRESH * jwks.EARLY - 1)
    assert verifier.remembered(token) is identity
    assert provider.asked == 1


async def test_a_busy_service_drops_a_withdrawn_key_without_making_a_request_wait(
    verifier: Verifier, provider: KeyServer, later: Later
) -> None:
    token = bearer("a")
    await admit(verifier, token)
    provider.publish("b")
    later(FRESH * jwks.EARLY)
    assert await admit(verifier, token)  # this request starts the refresh
    await settle(verifier)
    with pytest.raises(Unauthorized):
        await admit(verifier, token)


async def test_a_token_of_a_new_key_is_accepted_at_once(verifier: Verifier, provider: KeyServer) -> None:
    await admit(verifier, bearer("a"))
    provider.publish("a", "b")
    assert await admit(verifier, bearer("b"))
    assert provider.asked == 2


async def test_a_new_key_ends_the_withdrawn_one_at_once(verifier: Verifier, provider: KeyServer) -> None:
    token = bearer("a")
    await admit(verifier, token)
    provider.publish("b")
    assert await admit(verifier, bearer("b"))
    with pytest.raises(Unauthorized):
        await admit(verifier, token)


async def test_the_same_kid_with_another_key_is_another_key(
    verifier: Verifier, provider: KeyServer, later: Later
) -> None:
    token = bearer("a")
    await admit(verifier, token)
    provider.content = document("b", kid="a")
    later(FRESH)
    with pytest.raises(Unauthorized):
        await admit(verifier, token)
    assert await admit(verifier, bearer("b", {"kid": "a"}))


async def test_a_refresh_that_withdraws_nothing_forgets_nothing(
    verifier: Verifier, provider: KeyServer, later: Later
) -> None:
    token = bearer("a")
    identity = await admit(verifier, token)
    provider.publish("b", "a")
    later(FRESH)
    assert await admit(verifier, token) is identity
    assert provider.asked == 2
    assert verifier.remembered(token) is identity


async def test_while_the_provider_is_down_the_last_keys_are_used_for_a_bounded_time(
    verifier: Verifier, provider: KeyServer, later: Later
) -> None:
    token, other = bearer("a"), bearer("a", sub="u2")
    await admit(verifier, token)
    provider.stop()
    later(FRESH)
    assert await admit(verifier, token)
    assert verifier.remembered(token)  # a provider that is down costs nothing between two attempts
    later(STALE - FRESH - 1)
    assert await admit(verifier, token)
    assert await admit(verifier, other)
    await settle(verifier)
    later(1)
    assert verifier.remembered(token) is None
    for header in (token, other, bearer("a", sub="u3")):
        with pytest.raises(Unavailable, match="signing keys are unavailable"):
            await admit(verifier, header)
    provider.start()
    later(jwks.RETRY_SECONDS)
    assert await admit(verifier, token)


async def test_tokens_are_verified_with_the_providers_keys(verifier: Verifier) -> None:
    assert (await verifier.verify(bearer("a"))).subject == "u1"
    assert (await verifier.verify(bearer("a", {}))).subject == "u1"


@pytest.mark.parametrize(
    ("signer", "headers"), [("b", {"kid": "a"}), ("b", {"kid": "b"}), ("a", {"kid": "x" * 300}), ("b", {})]
)
async def test_tokens_of_other_keys_are_refused(verifier: Verifier, signer: str, headers: dict[str, str]) -> None:
    with pytest.raises(Unauthorized):
        await verifier.verify(bearer(signer, headers))


async def test_a_provider_that_is_down_is_not_the_clients_fault(verifier: Verifier, provider: KeyServer) -> None:
    provider.content = b""
    with pytest.raises(Unavailable):
        await verifier.verify(bearer("a"))
    with pytest.raises(Unauthorized):
        await verifier.verify(b"Bearer nonsense")
