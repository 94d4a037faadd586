"""The manifests: what a roll-out without failed requests and a locked-down pod need is in them."""

import re
from pathlib import Path
from typing import Any

import pytest

from deploy import manifests
from deploy.environment import Environment
from deploy.release import Release

PROJECT = Path(__file__).resolve().parents[3]
DIGEST = "sha256:" + "a" * 64


def objects_of(service: str, secrets: dict[str, str] | None = None, **changes: Any) -> list[dict[str, Any]]:
    base = {"name": "staging", "namespace": "n", "repository": "registry.example/lamps", "secret": {"name": "s"}}
    environment = Environment.model_validate({**base, **changes})
    replicas = None if environment.autoscale else environment.replicas
    return manifests.render(PROJECT, Release(service, environment, DIGEST, secrets or {}, replicas))


def rendered(secrets: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    return {item["kind"]: item for item in objects_of("lamps", secrets, **changes)}


def test_the_kinds_of_a_plain_release() -> None:
    kinds = {"ServiceAccount", "ConfigMap", "Service", "NetworkPolicy", "PodDisruptionBudget", "Job", "Deployment"}
    assert set(rendered()) == kinds


def test_no_pod_leaves_before_its_successor_is_ready() -> None:
    spec = rendered(drain_seconds=7, graceful_seconds=5)["Deployment"]["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 22
    container = spec["template"]["spec"]["containers"][0]
    assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health"
    assert container["startupProbe"]["httpGet"]["path"] == "/health"
    assert rendered(drain_seconds=7)["ConfigMap"]["data"]["DRAIN_SECONDS"] == "7"


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_pods_may_do_nothing_but_their_work(kind: str) -> None:
    pod = rendered()[kind]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert pod["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["containers"][0]["image"] == f"registry.example/lamps@{DIGEST}"
    assert {"name": "IMAGE_DIGEST", "value": DIGEST} in pod["containers"][0]["env"]


def test_nothing_of_the_release_selects_the_migration() -> None:
    found = rendered()
    job = found["Job"]["spec"]["template"]["metadata"]["labels"]
    selectors = [found["Deployment"]["spec"]["selector"]["matchLabels"], found["Service"]["spec"]["selector"]]
    selectors += [
        found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(not selector.items() <= job.items() for selector in selectors)
    assert found["Job"]["spec"]["backoffLimit"] == 0


def test_names_carry_the_content() -> None:
    one, two = (rendered(settings={"LOG_LEVEL": level})["ConfigMap"]["metadata"]["name"] for level in ("INFO", "DEBUG"))
    assert one != two
    secret = rendered({"DATABASE_URL": "x"}, secret={"from_env": ["DATABASE_URL"]})["Secret"]
    assert secret["data"] == {"DATABASE_URL": "eA=="}
    assert "stringData" not in secret


@pytest.mark.parametrize(
    "change",
    [
        {"settings": {"LOG_LEVEL": "DEBUG"}},
        {"resources": {"memory_limit": "1Gi"}},
        {"secret": {"name": "other"}},
        {"migration_seconds": 900},
    ],
)
def test_another_template_is_another_job(change: dict[str, Any]) -> None:
    """A Job's template is immutable: `kubectl apply` of a change under the same name is refused."""
    one, two = rendered()["Job"], rendered(**change)["Job"]
    assert one["spec"] != two["spec"]
    assert one["metadata"]["name"] != two["metadata"]["name"]


@pytest.mark.parametrize("length", range(1, 54))
def test_every_name_and_label_is_legal(length: int) -> None:
    """Services, Jobs and values of labels have 63 characters at most (RFC 1123); other names 253."""
    service = "s" * length
    found = objects_of(service, secrets={"A": "x"}, secret={"from_env": ["A"]}, autoscale={"min": 2, "max": 3})
    for item in found:
        name = item["metadata"]["name"]
        limit = 63 if item["kind"] in ("Service", "Job") else 253
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name), name
        assert len(name) <= limit, name
        assert [value for value in labels_in(item) if len(value) > 63] == []


def labels_in(item: Any) -> list[str]:
    """Values of every `labels` and `matchLabels` inside an object."""
    if isinstance(item, list):
        return [value for entry in item for value in labels_in(entry)]
    if not isinstance(item, dict):
        return []
    own = [value for key in ("labels", "matchLabels") for value in item.get(key, {}).values()]
    return own + [value for entry in item.values() for value in labels_in(entry)]


def test_an_autoscaler_has_the_say_over_replicas() -> None:
    found = rendered(autoscale={"min": 2, "max": 5})
    assert "replicas" not in found["Deployment"]["spec"]
    assert found["HorizontalPodAutoscaler"]["spec"]["maxReplicas"] == 5


def test_one_replica_has_no_budget_that_blocks_a_drain() -> None:
    assert "PodDisruptionBudget" not in rendered(replicas=1)


def test_rendering_twice_is_the_same() -> None:
    assert rendered() == rendered()


def test_ingress_and_external_secret() -> None:
    found = rendered(
        ingress={"host": "lamps.example", "tls_secret": "t"},
        secret={"external": {"store": "vault", "keys": {"A": "b/c"}}},
    )
    assert found["Ingress"]["spec"]["rules"][0]["host"] == "lamps.example"
    assert found["ExternalSecret"]["spec"]["data"] == [{"secretKey": "A", "remoteRef": {"key": "b/c"}}]
