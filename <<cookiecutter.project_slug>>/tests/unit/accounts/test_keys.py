"""Keys of the service: what a bundle is, its rotation, and the settings that production requires."""

import io

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from app.auth.account_settings import AccountSettings, MailSettings
from app.auth.signing import DEVELOPMENT_KEY, KeyRing, new_key, rotated
from app.commands import keys
from app.core.config import ConfigurationError, load

FORM = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
def test_a_rotation_publishes_a_key_before_it_signs(algorithm: str) -> None:
    first = new_key(algorithm)
    bundles = [first]
    steps = []
    for _ in range(3):
        bundle, step = rotated(bundles[-1])
        bundles.append(bundle)
        steps.append(step)
    assert steps == ["added", "signing", "removed"]
    rings = [KeyRing(bundle) for bundle in bundles]
    old, new = rings[0].signer.kid, rings[3].signer.kid
    assert old != new
    assert [ring.signer.kid for ring in rings] == [old, old, new, new]
    known = [{key.kid for key in ring.keys} for ring in rings]
    assert known == [{old}, {old, new}, {old, new}, {new}]
    assert rings[2].keys[1].private is None  # the old private key is gone as soon as it is not used
    # At every step an instance of the release before knows the key of a new token.
    assert all(after.signer.kid in before for before, after in zip(known, rings[1:], strict=False))


def test_only_public_parts_are_published() -> None:
    [key] = KeyRing(new_key("ES256")).published()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


@pytest.mark.parametrize(
    ("bundle", "said"),
    [
        ("", "has no private key"),
        ("hidden-word", "has no private key"),
        ("-----BEGIN PRIVATE KEY-----\nhidden-word\n-----END PRIVATE KEY-----", "not readable PEM"),
        (ec.generate_private_key(ec.SECP384R1()).private_bytes(*FORM, serialization.NoEncryption()).decode(), "P-256"),
        (rsa.generate_private_key(65537, 2048).private_bytes(*FORM, serialization.NoEncryption()).decode(), "neither"),
        (
            ec.generate_private_key(ec.SECP256R1())
            .private_bytes(*FORM, serialization.BestAvailableEncryption(b"x"))
            .decode(),
            "without a password",
        ),
    ],
)
def test_a_bundle_without_a_usable_key_is_refused(
    bundle: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(bundle))
    assert keys.main(["rotate"]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "hidden-word" not in error


def test_the_commands_print_a_key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert keys.main(["new", "--algorithm", "ES256"]) == 0
    first = capsys.readouterr().out
    assert KeyRing(first).algorithms == ("ES256",)
    monkeypatch.setattr("sys.stdin", io.StringIO(first))
    assert keys.main(["rotate"]) == 0
    printed = capsys.readouterr()
    assert len(KeyRing(printed.out).keys) == 2
    assert "does not sign yet" in printed.err
    with pytest.raises(ValueError, match="use EdDSA or ES256"):
        new_key("RS256")


def test_production_names_each_setting_that_is_missing(configuration: pytest.MonkeyPatch) -> None:
    configuration.setenv("ENVIRONMENT", "production")
    with pytest.raises(ConfigurationError) as caught:
        load(AccountSettings, MailSettings)
    names = [problem.split()[0] for problem in caught.value.problems]
    assert names == ["ACCOUNTS_KEY", "ACCOUNTS_ISSUER", "ACCOUNTS_AUDIENCE"]
    configuration.setenv("ACCOUNTS_KEY", DEVELOPMENT_KEY)
    configuration.setenv("ACCOUNTS_ISSUER", "http://accounts.example.com")
    configuration.setenv("ACCOUNTS_AUDIENCE", "shop")
    with pytest.raises(ConfigurationError) as caught:
        load(AccountSettings)
    assert [problem.split()[2] for problem in caught.value.problems] == ["the", "not"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ACCOUNTS_KEY", "hidden-word", "has no private key"),
        ("ACCOUNTS_ISSUER", "accounts.example.com", "https://"),
        ("ACCOUNTS_LINK_URL", "javascript:alert(1)", "https://"),
        ("ACCOUNTS_HASH_MEMORY_KIB", "1024", "19456"),
        ("ACCOUNTS_ACCESS_SECONDS", "86400", "3600"),
        ("ACCOUNTS_REGISTRATION", "maybe", "'open', 'invited' or 'closed'"),
    ],
)
def test_a_setting_that_would_be_a_hole_is_refused(
    configuration: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    configuration.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load(AccountSettings)
    assert said in str(caught.value)
    assert "hidden-word" not in str(caught.value)
