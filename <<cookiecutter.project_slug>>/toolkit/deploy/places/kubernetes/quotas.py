"""ResourceQuotas compared with the pods and objects that a release adds. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from toolkit.deploy.inventory.quantities import quantity

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import KubernetesEnvironment
    from toolkit.deploy.places.kubernetes.objects import Object

# A quota's name for the objects of a kind: `count/` and this, and for some also the plain name.
COUNTED = {
    "ConfigMap": "configmaps",
    "CronJob": "cronjobs.batch",
    "Deployment": "deployments.apps",
    "HorizontalPodAutoscaler": "horizontalpodautoscalers.autoscaling",
    "Ingress": "ingresses.networking.k8s.io",
    "Job": "jobs.batch",
    "NetworkPolicy": "networkpolicies.networking.k8s.io",
    "PodDisruptionBudget": "poddisruptionbudgets.policy",
    "ReplicaSet": "replicasets.apps",
    "Secret": "secrets",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
}


def shortages(env: KubernetesEnvironment, quotas: Sequence[Object], pods: int = 1) -> Iterator[str]:
    """Return the quotas that would refuse `pods` more; a roll-out needs one. Pure."""
    one = {
        "pods": 1.0,
        "requests.cpu": quantity(env.resources.cpu_request),
        "requests.memory": quantity(env.resources.memory_request),
        "limits.memory": quantity(env.resources.memory_limit),
        **({"limits.cpu": quantity(env.resources.cpu_limit)} if env.resources.cpu_limit else {}),
    }
    for sidecar in env.sidecars:
        for block in ("requests", "limits"):
            for name, amount in sidecar.get("resources", {}).get(block, {}).items():
                one[f"{block}.{name}"] = one.get(f"{block}.{name}", 0.0) + quantity(amount)
    one |= {"cpu": one["requests.cpu"], "memory": one["requests.memory"]}
    for item in quotas:
        hard, used = item.get("status", {}).get("hard", {}), item.get("status", {}).get("used", {})
        for name, needed in one.items():
            if name in hard and quantity(used.get(name, "0")) + pods * needed > quantity(hard[name]):
                yield f"quota {item['metadata']['name']}: {name} {used.get(name, '0')} of {hard[name]} used"


def counts_objects(quotas: Sequence[Object]) -> bool:
    """Return True if any quota limits the number of objects of a kind."""
    names = {key for plural in COUNTED.values() for key in (plural, f"count/{plural}")}
    return any(names & set(item.get("status", {}).get("hard", {})) for item in quotas)


def object_shortages(added: Mapping[str, int], quotas: Sequence[Object]) -> Iterator[str]:
    """Return the quotas without capacity for these additional objects."""
    for item in quotas:
        hard, used = item.get("status", {}).get("hard", {}), item.get("status", {}).get("used", {})
        for kind, number in added.items():
            for name in (f"count/{COUNTED[kind]}", COUNTED[kind]) if kind in COUNTED else ():
                if name in hard and quantity(used.get(name, "0")) + number > quantity(hard[name]):
                    quota = f"quota {item['metadata']['name']}: {name} {used.get(name, '0')} of {hard[name]} used"
                    yield f"{quota}, a release needs {number} more"
