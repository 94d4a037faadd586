"""The proxy's configuration: the same for every release, so that a deploy does not touch it."""

from typing import Any

import pytest

from toolkit.deploy.inventory.machine import SLOTS, MachineEnvironment
from toolkit.deploy.places.machine import proxy

BASE = {
    "name": "staging",
    "project": "shop-staging",
    "hosts": ["deploy@203.0.113.7"],
    "repository": "r/shop",
    "secret": {"from_env": ["DATABASE_URL"]},
}


def environment(**keys: Any) -> MachineEnvironment:
    return MachineEnvironment.model_validate({**BASE, **keys})


def test_every_possible_address_is_an_upstream() -> None:
    text = proxy.caddyfile(environment())
    for colour in ("blue", "green"):
        for slot in range(1, SLOTS + 1):
            assert f"{colour}-{slot}:8000" in text


@pytest.mark.parametrize(
    "change", [{"replicas": SLOTS}, {"image": "sha256:" + "a" * 64}, {"settings": {"A": "b"}}, {"drain_seconds": 30}]
)
def test_release_does_not_change_the_proxy(change: dict[str, Any]) -> None:
    assert proxy.hash_of(environment(**change)) == proxy.hash_of(environment())


def test_own_values_do() -> None:
    hashes = {
        proxy.hash_of(environment(proxy=keys))
        for keys in ({}, {"http_port": 8080}, {"domain": "shop.example"}, {"domain": "shop.example", "tls": "internal"})
    }
    assert len(hashes) == 4


def test_https_with_a_domain_only() -> None:
    plain, secure = environment(), environment(proxy={"domain": "shop.example"})
    assert "auto_https off" in proxy.caddyfile(plain)
    assert "auto_https off" not in proxy.caddyfile(secure)
    assert "shop.example {" in proxy.caddyfile(secure)
    assert set(proxy.arguments(plain, "/f")["host"]["port_bindings"]) == {"80/tcp"}
    assert set(proxy.arguments(secure, "/f")["host"]["port_bindings"]) == {"80/tcp", "443/tcp", "443/udp"}
