"""Checks before any change: the values, the objects, and the permissions."""

from typing import Any

import pytest

from app.core.config import Settings
from toolkit.deploy.inventory.schema import KubernetesEnvironment
from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.kubernetes import checks, permissions, secrets


def environment(**changes: Any) -> KubernetesEnvironment:
    base = {"name": "staging", "namespace": "n", "repository": "registry.example/lamps", "secret": {"name": "s"}}
    return KubernetesEnvironment.model_validate({**base, **changes})


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"name": "production"}, []),
        ({"name": "production", "replicas": 1}, ["ONE_REPLICA"]),
        ({"replicas": 1}, []),
        ({"autoscale": {"min": 4, "max": 3}}, ["AUTOSCALE"]),
        ({"progress_deadline_seconds": 300}, ["DEADLINE"]),
        ({"settings": {"DRAIN_SECONDS": 60}}, ["GRACE"]),
        ({"name": "production", "settings": {"DRAIN_SECONDS": "60"}}, ["GRACE"]),
        # Refused by the service's own check, and no reason for a traceback here.
        ({"settings": {"DRAIN_SECONDS": "abc", "GRACEFUL_SECONDS": "x", "POOL_SIZE": "many"}}, []),
        ({"settings": {"DRAIN_SECONDS": "60.5"}}, ["GRACE"]),
        ({"database_max_connections": 30}, []),
        ({"database_max_connections": 29}, ["CONNECTIONS"]),
        ({"database_max_connections": 29, "settings": {"POOL_SIZE": 5}}, []),
        ({"database_max_connections": 29, "settings": {"POOL_SIZE": 5, "MAX_OVERFLOW": 5}}, ["CONNECTIONS"]),
    ],
)
def test_what_the_values_say(changes: dict[str, Any], codes: list[str]) -> None:
    assert [finding.code for finding in checks.findings(environment(**changes))] == codes


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({"secret": {"name": "s"}}, ("get", "", "secrets")),
        ({"secret": {"from_env": ["DATABASE_URL"]}}, ("patch", "", "secrets")),
        ({"ingress": {"host": "lamps.example"}}, ("patch", "networking.k8s.io", "ingresses")),
        ({"autoscale": {}}, ("patch", "autoscaling", "horizontalpodautoscalers")),
        ({"driver": "helm"}, ("create", "", "secrets")),
    ],
)
def test_a_key_asks_for_its_permission(changes: dict[str, Any], needed: tuple[str, str, str]) -> None:
    assert needed in permissions.permissions(environment(**changes))
    without = {"secret": {"external": {"store": "s", "keys": {}}}, "driver": "manifests"}
    assert needed not in permissions.permissions(environment(**without))


def test_a_policy_that_is_off_needs_no_permission() -> None:
    policy = ("patch", "networking.k8s.io", "networkpolicies")
    assert policy in permissions.permissions(environment())
    assert policy not in permissions.permissions(environment(network_policy={"enabled": False}))


def test_the_pool_is_counted_as_the_application_makes_it() -> None:
    assert {name: Settings.model_fields[name.lower()].default for name in checks.POOL} == checks.POOL


def deployment(**changes: Any) -> dict[str, Any]:
    pod = {"terminationGracePeriodSeconds": 45, "containers": [{"readinessProbe": {"httpGet": {}}}]}
    spec = {
        "progressDeadlineSeconds": 420,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0}},
        "template": {"spec": {**pod, **changes.pop("pod", {})}},
    }
    return {"kind": "Deployment", "metadata": {"name": "lamps"}, "spec": {**spec, **changes}}


def budget(**spec: Any) -> dict[str, Any]:
    return {"kind": "PodDisruptionBudget", "metadata": {"name": "lamps"}, "spec": spec}


@pytest.mark.parametrize(
    ("item", "codes"),
    [
        (deployment(), []),
        (deployment(strategy={"type": "Recreate"}), ["UNAVAILABLE"]),
        (deployment(strategy={"rollingUpdate": {"maxUnavailable": "25%"}}), ["UNAVAILABLE"]),
        (deployment(pod={"containers": [{}]}), ["NO_READINESS"]),
        (deployment(pod={"terminationGracePeriodSeconds": 35}), ["GRACE"]),
        (deployment(progressDeadlineSeconds=300), ["DEADLINE"]),
        (budget(maxUnavailable=1), []),
        (budget(maxUnavailable=0), ["DISRUPTION"]),
        (budget(minAvailable=1), []),
        (budget(minAvailable=2), ["DISRUPTION"]),
        (budget(minAvailable="100%"), ["DISRUPTION"]),
    ],
)
def test_lints_of_rendered_objects(item: dict[str, Any], codes: list[str]) -> None:
    assert [finding.code for finding in checks.findings_in([item], environment(name="production"))] == codes


@pytest.mark.parametrize(("live", "code"), [(None, "SECRET_MISSING"), ({"data": {"OTHER": "x"}}, "SECRET_KEY_MISSING")])
def test_secrets_that_are_not_as_the_inventory_says(live: Any, code: str) -> None:
    with pytest.raises(Failed) as caught:
        secrets.require_keys(environment(name="production"), live)
    assert caught.value.failure.code == code
    assert "DATABASE_URL" in caught.value.failure.hint
    assert caught.value.failure.hint.startswith("kubectl -n n ")


def test_a_secret_in_a_namespace_that_does_not_exist_yet() -> None:
    with pytest.raises(Failed) as caught:
        secrets.require_keys(environment(), None, namespace_missing=True)
    assert caught.value.failure.hint.startswith("kubectl create namespace n && kubectl -n n create secret generic s ")
