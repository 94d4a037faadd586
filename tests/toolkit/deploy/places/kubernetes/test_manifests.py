"""The manifests: what a roll-out without failed requests and a locked-down pod need is in them."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.template import SERVICE
from toolkit.deploy.inventory.schema import KubernetesEnvironment
from toolkit.deploy.places.kubernetes import manifests
from toolkit.deploy.spec import ReleaseSpec

DIGEST = "sha256:" + "a" * 64


def objects_of(service: str, secrets: dict[str, str] | None = None, **changes: Any) -> list[dict[str, Any]]:
    base = {"name": "staging", "namespace": "n", "repository": "registry.example/lamps", "secret": {"name": "s"}}
    environment = KubernetesEnvironment.model_validate({**base, **changes})
    replicas = None if environment.autoscale else environment.replicas
    return manifests.render(SERVICE, ReleaseSpec(service, environment, DIGEST, secrets or {}, replicas))


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


def ports_of(item: dict[str, Any]) -> dict[str, int]:
    return {port["name"]: port["port"] for port in item["spec"]["ports"]}


def test_a_port_for_metrics_is_known_everywhere() -> None:
    found = objects_of("lamps", settings={"METRICS_PORT": 9100}, network_policy={"from_namespaces": ["web"]})
    services = {item["metadata"]["name"]: ports_of(item) for item in found if item["kind"] == "Service"}
    assert services == {"lamps": {"http": 8000}, "lamps-metrics": {"metrics": 9100}}
    by_kind = {item["kind"]: item for item in found}
    template = by_kind["Deployment"]["spec"]["template"]
    assert {"name": "metrics", "containerPort": 9100, "protocol": "TCP"} in template["spec"]["containers"][0]["ports"]
    assert template["metadata"]["annotations"]["prometheus.io/port"] == "9100"
    api, metrics = by_kind["NetworkPolicy"]["spec"]["ingress"]
    assert (api["ports"][0]["port"], metrics["ports"][0]["port"]) == (8000, 9100)
    assert metrics["from"] == api["from"]


def test_scrapers_may_be_in_another_namespace() -> None:
    policy = {"from_namespaces": ["web"], "metrics_from_namespaces": ["monitoring"]}
    _, metrics = rendered(settings={"METRICS_PORT": 9100}, network_policy=policy)["NetworkPolicy"]["spec"]["ingress"]
    assert metrics["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]


def test_without_a_port_for_metrics_there_is_one_service() -> None:
    found = objects_of("lamps")
    assert [item["metadata"]["name"] for item in found if item["kind"] == "Service"] == ["lamps"]
    annotations = rendered()["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == "8000"


PODS: dict[str, Any] = {
    "annotations": {"a/b": "c"},
    "node_selector": {"kubernetes.io/arch": "arm64"},
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "priority_class": "high",
    "env_from": [{"secretRef": {"name": "shared"}}],
    "volumes": [{"name": "ca", "configMap": {"name": "ca"}}],
    "volume_mounts": [{"name": "ca", "mountPath": "/etc/ca"}],
    "sidecars": [{"name": "proxy", "image": "proxy:1"}],
    "resources": {"cpu_limit": "1"},
}


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_keys_of_the_pods_reach_service_and_migration(kind: str) -> None:
    template = rendered(**PODS)[kind]["spec"]["template"]
    pod, container = template["spec"], template["spec"]["containers"][0]
    assert template["metadata"]["annotations"]["a/b"] == "c"
    assert pod["nodeSelector"] == PODS["node_selector"]
    assert pod["tolerations"][-1] == PODS["tolerations"][0]
    assert pod["affinity"] == PODS["affinity"]
    assert pod["priorityClassName"] == "high"
    assert pod["volumes"][-1] == PODS["volumes"][0]
    # Native sidecars: a Job does not wait for them.
    assert pod["initContainers"] == [{"name": "proxy", "image": "proxy:1", "restartPolicy": "Always"}]
    assert container["volumeMounts"][-1] == PODS["volume_mounts"][0]
    assert container["resources"]["limits"]["cpu"] == "1"
    # The last source wins.
    assert container["envFrom"][0] == PODS["env_from"][0]
    assert "configMapRef" in container["envFrom"][1]


def test_annotations_and_labels_of_objects() -> None:
    found = rendered(
        labels={"team": "lamps"},
        service_annotations={"a": "1"},
        service_account_annotations={"b": "2"},
        ingress={"host": "lamps.example", "annotations": {"c": "3"}},
    )
    assert found["Service"]["metadata"]["annotations"] == {"a": "1"}
    assert found["ServiceAccount"]["metadata"]["annotations"] == {"b": "2"}
    assert found["Ingress"]["metadata"]["annotations"] == {"c": "3"}
    assert [kind for kind, item in found.items() if item["metadata"]["labels"].get("team") != "lamps"] == []
    assert found["Deployment"]["spec"]["template"]["metadata"]["labels"]["team"] == "lamps"
    assert "team" not in found["Deployment"]["spec"]["selector"]["matchLabels"]


def test_the_default_spread_can_be_replaced() -> None:
    spread = {"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    assert rendered(topology_spread=[spread])["Deployment"]["spec"]["template"]["spec"][
        "topologySpreadConstraints"
    ] == [spread]
    assert "topologySpreadConstraints" not in rendered(topology_spread=[])["Deployment"]["spec"]["template"]["spec"]


def test_a_text_of_the_inventory_stays_a_text() -> None:
    """Unquoted, YAML reads these as a number and a truth value."""
    found = rendered(namespace="123", priority_class="on", ingress={"host": "1e3", "tls_secret": "no"})
    assert found["Service"]["metadata"]["namespace"] == "123"
    assert found["Deployment"]["spec"]["template"]["spec"]["priorityClassName"] == "on"
    assert found["Ingress"]["spec"]["tls"] == [{"hosts": ["1e3"], "secretName": "no"}]


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
@pytest.mark.parametrize(
    ("ca", "source"),
    [
        (
            {"config_map": "company"},
            {"configMap": {"name": "company", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        ),
        (
            {"secret": "company", "key": "root.pem"},
            {"secret": {"secretName": "company", "items": [{"key": "root.pem", "path": "ca.crt"}]}},
        ),
    ],
)
def test_the_databases_authority_reaches_service_and_migration(
    kind: str, ca: dict[str, str], source: dict[str, Any]
) -> None:
    own = {"name": "own", "emptyDir": {}}
    found = rendered(database_ca=ca, volumes=[own], volume_mounts=[{"name": "own", "mountPath": "/own"}])
    pod = found[kind]["spec"]["template"]["spec"]
    assert {"name": "database-ca", **source} in pod["volumes"]
    assert own in pod["volumes"]
    mounts = pod["containers"][0]["volumeMounts"]
    assert {"name": "database-ca", "mountPath": "/etc/database-ca", "readOnly": True} in mounts
    settings = found["ConfigMap"]["data"]
    assert settings["POSTGRES_SSLROOTCERT"] == "/etc/database-ca/ca.crt"
    assert settings["POSTGRES_SSLMODE"] == "verify-full"
    assert {"configMapRef": {"name": found["ConfigMap"]["metadata"]["name"]}} in pod["containers"][0]["envFrom"]


def test_settings_win_over_what_the_authority_stands_for() -> None:
    found = rendered(database_ca={"config_map": "company"}, settings={"POSTGRES_SSLMODE": "verify-ca"})
    assert found["ConfigMap"]["data"]["POSTGRES_SSLMODE"] == "verify-ca"
    assert "POSTGRES_SSLMODE" not in rendered()["ConfigMap"]["data"]


@pytest.mark.parametrize("ca", [{}, {"config_map": "a", "secret": "b"}, {"config_map": "A B"}, "company"])
def test_an_authority_has_one_source(ca: object) -> None:
    with pytest.raises(ValidationError, match="database_ca"):
        rendered(database_ca=ca)
