"""Objects of others that the pods refer to: without them, pods would wait forever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Failed, fail

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import KubernetesEnvironment
    from toolkit.deploy.places.kubernetes.client import Cluster
    from toolkit.deploy.places.kubernetes.objects import Object

APIS = {"PriorityClass": "scheduling.k8s.io/v1"}  # of the others: v1
# Field of an object of Kubernetes -> kind that it refers to, and the field with its name.
NAMED = {
    "configMapRef": ("ConfigMap", "name"),
    "configMapKeyRef": ("ConfigMap", "name"),
    "configMap": ("ConfigMap", "name"),
    "secretRef": ("Secret", "name"),
    "secretKeyRef": ("Secret", "name"),
    "secret": ("Secret", "secretName"),
    "persistentVolumeClaim": ("PersistentVolumeClaim", "claimName"),
}


@dataclass(frozen=True)
class Reference:
    key: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.key}: {self.kind}/{self.name} does not exist"

    def fix(self, namespace: str) -> str:
        if self.kind == "ConfigMap":
            return f"kubectl -n {namespace} create configmap {self.name} --from-literal=KEY=VALUE"
        if self.kind == "Secret":
            return f"kubectl -n {namespace} create secret generic {self.name} --from-literal=KEY=VALUE"
        return f"create {self.kind}/{self.name}, or correct its name in the inventory"


def referred(env: KubernetesEnvironment) -> Iterator[Reference]:
    """Return the required objects. Pure."""
    for key in ("env_from", "volumes", "sidecars"):
        yield from (Reference(key, kind, name) for kind, name in _inside(getattr(env, key)))
    if env.priority_class:
        yield Reference("priority_class", "PriorityClass", env.priority_class)


def check(cluster: Cluster, env: KubernetesEnvironment) -> None:
    """Check references. Raises Failed REFERENCE_MISSING with every missing object and the command to create it."""
    missing = [item for item in dict.fromkeys(referred(env)) if _is_missing(cluster, item)]
    if missing:
        raise fail(
            "REFERENCE_MISSING",
            f"the pods of {env.name!r} refer to objects that do not exist",
            *map(str, missing),
            hint="; ".join(item.fix(env.namespace) for item in missing),
        )


def _inside(item: Any) -> Iterator[tuple[str, str]]:
    """Yield kind and name of all objects referred to in an object, except optional ones."""
    if isinstance(item, list | tuple):
        for entry in item:
            yield from _inside(entry)
    if not isinstance(item, Mapping):
        return
    for key, value in item.items():
        kind, name = NAMED.get(key, ("", ""))
        if kind and isinstance(value, Mapping):
            # A projected volume names a Secret by `name`.
            named = value.get(name) or value.get("name")
            if named and not value.get("optional"):
                yield kind, named
        else:
            yield from _inside(value)


def _is_missing(cluster: Cluster, item: Reference) -> bool:
    return _read(cluster, item.kind, item.name) is None


def _read(cluster: Cluster, kind: str, name: str) -> Object | None:
    """Return the object; empty for a user who may not read it."""
    try:
        return cluster.get(APIS.get(kind, "v1"), kind, name)
    except Failed as error:
        if error.failure.code != "FORBIDDEN":
            raise
        return {}
