"""Objects of a canary, its route, and the figures of its pods."""

from typing import Any

import pytest

from tests.toolkit.deploy.places.kubernetes.test_manifests import objects_of
from toolkit.deploy.places import metrics
from toolkit.deploy.places.kubernetes import canary, gateway
from toolkit.deploy.places.values import Figures

GATEWAY = {"name": "edge", "namespace": "web", "host": "lamps.example", "canary": [10, 50, 100]}


def named(kind: str, **changes: Any) -> dict[str, Any]:
    return next(item for item in objects_of("lamps", gateway=GATEWAY, **changes) if item["kind"] == kind)


def selector(item: dict[str, Any]) -> dict[str, str]:
    spec = item["spec"]
    found = spec["podSelector"] if item["kind"] == "NetworkPolicy" else spec["selector"]
    return found.get("matchLabels", found)


@pytest.mark.parametrize("kind", ["Deployment", "Service", "NetworkPolicy"])
def test_nothing_of_the_release_selects_the_canary_and_the_other_way_round(kind: str) -> None:
    release = named(kind)
    copy = canary.canary_of(release, "lamps")
    pods = canary.canary_of(named("Deployment"), "lamps")["spec"]["template"]["metadata"]["labels"]
    own = named("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert copy["metadata"]["name"] == "lamps-canary"
    assert selector(copy).items() <= pods.items()
    assert not selector(copy).items() <= own.items()
    assert not selector(release).items() <= pods.items()


def test_a_release_prunes_no_canary() -> None:
    labels = canary.canary_of(named("Deployment"), "lamps")["metadata"]["labels"]
    assert "deploy/service" not in labels
    assert labels["deploy/canary"] == "lamps"


def test_the_service_of_a_canary_is_internal() -> None:
    service = canary.canary_of(named("Service", service_type="NodePort", node_port=30001), "lamps")
    assert service["spec"]["type"] == "ClusterIP"
    assert "nodePort" not in service["spec"]["ports"][0]


@pytest.mark.parametrize(
    ("weight", "total", "pods"), [(10, 2, 1), (50, 2, 1), (51, 2, 2), (100, 2, 2), (10, 20, 2), (11, 20, 3), (1, 1, 1)]
)
def test_a_share_has_enough_pods(weight: int, total: int, pods: int) -> None:
    assert canary.pods_for(weight, total) == pods
    deployment = canary.canary_of(named("Deployment"), "lamps")
    assert [item["spec"]["replicas"] for item in canary.sized([deployment], pods)] == [pods]


@pytest.mark.parametrize(
    ("weight", "backends"),
    [(10, [("lamps", 90), ("lamps-canary", 10)]), (100, [("lamps-canary", 100)])],
)
def test_a_backend_without_requests_is_left_out(weight: int, backends: list[tuple[str, int]]) -> None:
    route = named("HTTPRoute")
    shared = gateway.shared(route, "lamps-canary", weight)["spec"]["rules"][0]["backendRefs"]
    assert [(backend["name"], backend["weight"]) for backend in shared] == backends
    assert {backend["port"] for backend in shared} == {8000}
    assert route["spec"]["rules"][0]["backendRefs"] == [{"name": "lamps", "port": 8000}]


def parents(*conditions: tuple[str, str, int, str]) -> dict[str, Any]:
    listed = [
        {"type": name, "status": status, "observedGeneration": generation, "message": message}
        for name, status, generation, message in conditions
    ]
    return {"metadata": {"generation": 2}, "status": {"parents": [{"conditions": listed}]}}


@pytest.mark.parametrize(
    ("route", "reasons"),
    [
        (parents(("Accepted", "True", 2, ""), ("ResolvedRefs", "True", 2, "")), []),
        (
            parents(("Accepted", "False", 2, "no listener allows it"), ("ResolvedRefs", "True", 2, "")),
            ["Accepted: no listener allows it"],
        ),
        (parents(("Accepted", "True", 1, "old"), ("ResolvedRefs", "True", 2, "")), ["Accepted: old"]),
        (parents(("Accepted", "True", 2, "")), ["ResolvedRefs: not reported yet"]),
        (
            {"metadata": {"generation": 1}},
            ["no controller has reported a status: check that the Gateway exists, and its controller runs"],
        ),
    ],
)
def test_a_route_counts_when_a_gateway_serves_its_newest_generation(route: dict[str, Any], reasons: list[str]) -> None:
    assert list(gateway.unaccepted(route)) == reasons


SAMPLES = (
    ("200", "/api/v1/lamps", {"0.1": 7, "+Inf": 8}),
    ("500", "/api/v1/lamps", {"0.1": 2, "+Inf": 2}),
    ("503", "/ready", {"0.1": 900, "+Inf": 900}),
)


def exposition() -> str:
    """Return /metrics as prometheus_client writes it."""
    lines = [f"# TYPE {metrics.DURATION} histogram"]
    for status, route, buckets in SAMPLES:
        labels = f'http_request_method="GET",http_response_status_code="{status}",http_route="{route}"'
        lines += [f'{metrics.DURATION}_bucket{{{labels},le="{edge}"}} {count}.0' for edge, count in buckets.items()]
        lines.append(f"{metrics.DURATION}_count{{{labels}}} {buckets['+Inf']}.0")
    return "\n".join([*lines, "process_cpu_seconds_total 3.0", ""])


def test_probes_are_no_requests_of_clients() -> None:
    assert metrics.figures(exposition()) == Figures(10, 2, {0.1: 9, float("inf"): 10})
    assert metrics.figures("") == Figures()
