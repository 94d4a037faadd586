"""Keys of a preview, derived from those of its base environment."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.toolkit.deploy.inventory.test_pod_keys import BASE
from toolkit.deploy.inventory import load
from toolkit.deploy.inventory.merge import merge
from toolkit.deploy.inventory.pairs import from_pairs
from toolkit.deploy.inventory.preview import name_of, scope_of
from toolkit.deploy.operations.preview_keys import pairs_of, version_of
from toolkit.deploy.operations.previews import expired, secrets_given
from toolkit.deploy.outcomes import Failed


def made(**given: Any) -> Any:
    """The environment of a preview called `x`."""
    base = {**BASE, **given}
    pairs = pairs_of("shop", "x", load.validate("staging", base))
    return load.validate("staging", merge([("base", base), ("-e", from_pairs(pairs))]))


@pytest.mark.parametrize(
    ("branch", "name"), [("main", "main"), ("feature/Add_x", "feature-add-x"), ("--a..b--", "a-b"), ("Ü-1", "1")]
)
def test_a_branch_becomes_a_part_of_host_names(branch: str, name: str) -> None:
    assert name_of(branch) == name


def test_long_and_empty_names() -> None:
    long, other = name_of("a" * 60), name_of("a" * 59)
    assert len(long) <= 30
    assert long != other
    assert len(scope_of("s" * 53, long)) <= 63
    with pytest.raises(Failed, match="PREVIEW_NAME"):
        name_of("///")


def test_it_has_one_instance_and_nothing_of_the_base_that_is_shared() -> None:
    found = made(
        confirm=True,
        autoscale={"max": 4},
        url="https://staging.example.com",
        smoke_writes=True,
        ingress={"host": "staging.example.com"},
        secret={"from_env": ["DATABASE_URL", "TOKEN"]},
        settings={"LOG_LEVEL": "DEBUG"},
    )
    assert (found.namespace, found.replicas, found.confirm) == ("shop-preview-x", 1, False)
    assert (found.autoscale, found.url, found.ingress, found.smoke_writes) == (None, None, None, False)
    assert (found.secret.name, found.secret.keys) == ("shop", ("DATABASE_URL", "TOKEN"))
    assert found.settings["LOG_LEVEL"] == "DEBUG"  # the control: other keys are the base's


def test_its_address() -> None:
    preview = {"host": "{name}.example.com"}
    ingress = made(preview=preview, ingress={"host": "a.example", "class_name": "c", "tls_secret": "t"}).ingress
    assert (ingress.host, ingress.class_name, ingress.tls_secret) == ("x.example.com", "c", None)
    routed = made(preview=preview, gateway={"name": "edge", "host": "a.example", "canary": [10, 100]})
    assert (routed.gateway.host, routed.gateway.canary, routed.ingress) == ("x.example.com", (), None)
    with pytest.raises(Failed, match="every preview would have the same address"):
        made(preview={"host": "preview.example.com"})


def test_secrets_come_from_the_deployer() -> None:
    base = load.validate("staging", {**BASE, "secret": {"name": "s", "keys": ["DATABASE_URL", "TOKEN", "OTHER"]}})
    assert secrets_given(base, {"TOKEN": "t", "DATABASE_URL": "u", "UNRELATED": "x"}) == {"TOKEN": "t"}


def test_only_what_is_over_expires() -> None:
    now = datetime.now(UTC)
    found = [("new", now + timedelta(days=1)), ("old", now - timedelta(minutes=1))]
    assert expired(found, now) == ["old"]


MACHINE = {
    "place": "machine",
    "project": "shop-staging",
    "repository": "r",
    "hosts": ["deploy@203.0.113.7", "deploy@203.0.113.8"],
    "proxy": {"domain": "shop.example.com"},
    "secret": {"from_env": ["TOKEN"]},
}


def on_machine(name: str, **given: Any) -> Any:
    base = {**MACHINE, **given}
    pairs = pairs_of("shop", name, load.validate("staging", base))
    return load.validate("staging", merge([("base", base), ("-e", from_pairs(pairs))]))


def test_on_a_machine_it_has_one_host_a_database_and_a_port() -> None:
    found = on_machine("x", replicas=3, preview={"database_image": "r.example/postgres:17.2-alpine"})
    assert (found.project, found.replicas, len(found.hosts)) == ("shop-preview-x", 1, 1)
    assert (found.database.version, found.database.image) == (17, "r.example/postgres:17.2-alpine")
    assert (found.proxy.domain, found.secret.from_env) == (None, ("DATABASE_URL", "TOKEN"))
    assert 20000 <= found.proxy.http_port < 30000
    assert on_machine("y").proxy.http_port != found.proxy.http_port
    assert on_machine("x").proxy.http_port == found.proxy.http_port  # the same after each push


@pytest.mark.parametrize(
    ("image", "version"), [("postgres:18", 18), ("r:5000/a/postgres", 18), ("postgres:16.1@sha256:0", 16)]
)
def test_version_of_a_database_image(image: str, version: int) -> None:
    assert version_of(image) == version
