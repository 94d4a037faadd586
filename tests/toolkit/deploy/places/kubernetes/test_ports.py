"""Ports: what the settings open has to be in the objects, and what they call has to be open in the network policy."""

import base64
from typing import Any

import pytest

from toolkit.deploy.inventory.schema import KubernetesEnvironment
from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.kubernetes import checks, ports, secrets

DATABASE = "postgresql://lamps:s3cret@db.example:6432/lamps"


def environment(**changes: Any) -> KubernetesEnvironment:
    base = {"name": "staging", "namespace": "n", "repository": "r", "secret": {"name": "s"}}
    return KubernetesEnvironment.model_validate({**base, **changes})


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (DATABASE, {6432}),
        ("postgresql://lamps@db.example/lamps", {5432}),
        ("postgres://a:1@one:5433,two:5434,three/d?sslmode=require", {5433, 5434, 5432}),
        ("postgresql://a:b@[2001:db8::1]:6000/d", {6000}),
        ("postgresql+asyncpg:///d?host=db.example&port=6001", {6001}),
        ("postgresql:///d?host=/var/run/postgresql", set()),
        ("postgresql://a:p%40ss:1@db.example/d", {5432}),
        ("postgresql://a@127.0.0.1:6432/d", set()),  # a sidecar
        ("https://login.example/keys", {443}),
        ("http://collector:4318/v1/traces", {4318}),
        ("  https://login.example:8443/keys\n", {8443}),
        ("login.example:8443", set()),
        ("", set()),
    ],
)
def test_ports_of_a_url(url: str, found: set[int]) -> None:
    assert ports.ports_of(url) == found


@pytest.mark.parametrize(
    ("settings", "codes"),
    [
        ({}, []),
        ({"JWT_JWKS_URL": "https://login.example/keys"}, []),
        ({"JWT_JWKS_URL": "https://login.example:8443/keys"}, ["EGRESS"]),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317"}, ["EGRESS"]),
        ({"POSTGRES_SERVER": "db.example", "POSTGRES_PORT": 6432}, ["EGRESS"]),
        ({"POSTGRES_SERVER": "db.example"}, []),
        ({"METRICS_PORT": 9100}, []),
        ({"METRICS_PORT": 0}, ["METRICS_PORT"]),
        ({"METRICS_PORT": "many"}, ["METRICS_PORT"]),
        ({"METRICS_PORT": 8000}, ["METRICS_PORT"]),
        ({"PORT": 8000}, []),
        ({"PORT": 9000}, ["PORT"]),
        ({"HOST": "127.0.0.1"}, ["HOST"]),
        ({"HOST": "0.0.0.0"}, []),  # noqa: S104
    ],
)
def test_settings_that_no_object_fits(settings: dict[str, Any], codes: list[str]) -> None:
    assert [finding.code for finding in checks.findings(environment(settings=settings))] == codes


def test_a_policy_that_is_off_closes_nothing() -> None:
    closed = environment(
        settings={"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://x:8443"}, network_policy={"enabled": False}
    )
    assert list(ports.findings(closed)) == []


def test_the_hint_opens_every_closed_port() -> None:
    given = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://x:8443", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4317"}
    *_, last = ports.findings(environment(settings=given))
    assert last.hint == "network_policy.to_ports: [443, 4317, 4318, 5432, 8443]"
    opened = environment(settings=given, network_policy={"to_ports": [443, 4317, 4318, 5432, 8443]})
    assert list(ports.findings(opened)) == []


def test_a_secret_is_judged_and_not_shown() -> None:
    live = {"data": {"DATABASE_URL": base64.b64encode(DATABASE.encode()).decode()}}
    with pytest.raises(Failed) as caught:
        secrets.require_keys(environment(), live)
    assert caught.value.failure.code == "EGRESS"
    assert "DATABASE_URL uses port 6432" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    secrets.require_keys(environment(network_policy={"to_ports": [6432]}), live)
