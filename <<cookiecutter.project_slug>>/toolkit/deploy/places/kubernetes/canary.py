"""A canary: a second Deployment and Service of the new version, which get a share of the requests.

The running release stays as it is until the canary has passed; then it is replaced by an ordinary roll-out.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from toolkit.deploy.inventory.names import fitted
from toolkit.deploy.places import metrics
from toolkit.deploy.places.kubernetes import apply as applying
from toolkit.deploy.places.kubernetes import gateway, rollout
from toolkit.deploy.places.kubernetes.client import MANAGER
from toolkit.deploy.places.kubernetes.helm_ownership import as_owned
from toolkit.deploy.places.kubernetes.labels import CANARY_LABEL, LABEL, NAME_LABEL
from toolkit.deploy.places.kubernetes.objects import Object, identity, normalised
from toolkit.deploy.places.kubernetes.pods import look
from toolkit.deploy.places.values import Figures, Limits

if TYPE_CHECKING:
    from toolkit.deploy.inventory.gateway import Gateway
    from toolkit.deploy.places.kubernetes.client import Cluster
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace

KINDS = {"Service": "v1", "NetworkPolicy": "networking.k8s.io/v1", "Deployment": "apps/v1"}
# Until every proxy has taken up a changed route: Traefik waits 2 s between two changes, others resolve endpoints.
SETTLE_SECONDS = 5.0
HOLD_SECONDS = 3.0


class KubernetesCanary:
    """The candidate of one release. `total`: pods that would serve all requests."""

    def __init__(self, place: KubernetesPlace, objects: Sequence[Object], total: int) -> None:
        self.place, self.total = place, total
        self.name = name_of(place.service)
        self.given = required(place)
        self.route = next(item for item in objects if item["kind"] == gateway.KIND)
        self.objects = [canary_of(item, place.service) for item in objects if _is_copied(item, place.service)]

    @property
    def weights(self) -> Sequence[int]:
        return self.given.canary

    @property
    def seconds(self) -> float:
        return self.given.canary_seconds

    @property
    def limits(self) -> Limits:
        return Limits(self.given.canary_error_percent, self.given.canary_slower)

    def start(self, weight: int) -> str:
        """Run enough pods for `weight` percent of the requests, until they are stable."""
        for item in sized(self.objects, pods_for(weight, self.total)):
            applying.apply(self.place.cluster, item, MANAGER, force=True)
        seconds = self.place.environment.rollout_seconds
        return rollout.wait(self.place, seconds, HOLD_SECONDS, self.name)

    def shift(self, weight: int) -> None:
        _apply_route(self.place, gateway.shared(self.route, self.name, weight))
        gateway.await_accepted(self.place.cluster, self.place.service, self.place.environment)
        time.sleep(SETTLE_SECONDS)

    def ask(self, path: str) -> object:
        return self.place.cluster.proxy(self.name, self.place.environment.port, path)

    def check(self) -> None:
        """Raises Failed with the verdict on a pod of the canary that has crashed or is no longer ready."""
        view = look(self.place.cluster, self.name, events=False)
        if not view.complete or view.restarts():
            rollout.wait(self.place, SETTLE_SECONDS, 0, self.name)

    def figures(self) -> tuple[Mapping[str, Figures], Mapping[str, Figures]]:
        """Return what the pods of the running version and of the canary have served so far, by pod."""
        return figures(self.place, self.place.service), figures(self.place, self.name)

    def end(self) -> None:
        """Give all requests to the running version again, and remove the canary."""
        _apply_route(self.place, self.route)
        time.sleep(SETTLE_SECONDS)
        remove(self.place)


def figures(place: KubernetesPlace, label: str) -> Mapping[str, Figures]:
    """Return what the pods of this name have served so far, by pod."""
    port = place.environment.metrics_port or place.environment.port
    return {
        name: metrics.figures(place.cluster.proxy_text(name, port, "/metrics", kind="pods") or "")
        for name in _pod_names(place.cluster, label)
    }


def required(place: KubernetesPlace) -> Gateway:
    if place.environment.gateway is None:
        raise AssertionError("a canary without a gateway")
    return place.environment.gateway


def of(place: KubernetesPlace, objects: Sequence[Object]) -> KubernetesCanary | None:
    """Return the candidate of a release that changes the running pods; None for any other release."""
    wanted = next(item for item in objects if identity(item) == f"Deployment/{place.service}")
    live = None if place.namespace_missing else place.cluster.get("apps/v1", "Deployment", place.service)
    route = None if live is None else place.cluster.get(gateway.API, gateway.KIND, place.service)
    if live is None or route is None:  # the first release, or the first one with this route
        return None
    planned = applying.look(place.cluster, [_owned(place, wanted)], place.driver.manager, force=True)[0].planned
    if planned is None or normalised(planned)["spec"]["template"] == normalised(live)["spec"]["template"]:
        return None
    return KubernetesCanary(place, objects, max(1, live["spec"].get("replicas", 1)))


def leftovers(cluster: Cluster, service: str) -> list[Object]:
    """Return the objects of a canary whose deployer was killed."""
    return [item for kind, api in KINDS.items() for item in cluster.list(api, kind, f"{CANARY_LABEL}={service}")]


def remove(place: KubernetesPlace) -> None:
    for item in reversed(leftovers(place.cluster, place.service)):
        place.cluster.delete(KINDS[item["kind"]], item["kind"], item["metadata"]["name"])


def recover(place: KubernetesPlace, objects: Sequence[Object]) -> str:
    """Take back the canary of a killed deployer. Returns a summary; empty without one."""
    if not leftovers(place.cluster, place.service):
        return ""
    live = place.cluster.get(gateway.API, gateway.KIND, place.service)
    route = next((item for item in objects if item["kind"] == gateway.KIND), None)
    if live and route:
        _apply_route(place, route)
        time.sleep(SETTLE_SECONDS)
    remove(place)
    return "the canary of a killed deployer: removed"


def name_of(service: str) -> str:
    return fitted(service, "-canary")


def pods_for(weight: int, total: int) -> int:
    """Return the number of pods for a share in percent of the requests that `total` pods serve. Pure."""
    return max(1, math.ceil(total * weight / 100))


def canary_of(item: Object, service: str) -> Object:
    """Return an object of the release as one of the canary: with its own name, and labels for its pods only. Pure."""
    copy: Object = _relabelled(deepcopy(item), service)
    copy["metadata"]["name"] = name_of(service)
    labels = {key: value for key, value in copy["metadata"]["labels"].items() if key != LABEL}
    copy["metadata"]["labels"] = {**labels, CANARY_LABEL: service}
    if copy["kind"] == "Service":
        copy["spec"]["type"] = "ClusterIP"
        for port in copy["spec"]["ports"]:
            port.pop("nodePort", None)
    return copy


def sized(objects: Sequence[Object], pods: int) -> Iterator[Object]:
    """Yield the objects with this number of pods. Pure."""
    for item in objects:
        yield {**item, "spec": {**item["spec"], "replicas": pods}} if item["kind"] == "Deployment" else item


def _is_copied(item: Object, service: str) -> bool:
    return item["kind"] in KINDS and item["metadata"]["name"] == service


def _relabelled(value: Any, service: str) -> Any:
    if isinstance(value, dict):
        own = {NAME_LABEL: name_of(service)} if value.get(NAME_LABEL) == service else {}
        return {**{key: _relabelled(inner, service) for key, inner in value.items()}, **own}
    return [_relabelled(inner, service) for inner in value] if isinstance(value, list) else value


def _owned(place: KubernetesPlace, item: Object) -> Object:
    """Return the object with the release driver's own labels."""
    helm = place.environment.driver == "helm"
    return as_owned(item, place.service, place.environment.namespace) if helm else item


def _apply_route(place: KubernetesPlace, route: Object) -> None:
    """Apply as the release driver's manager, so that the next release finds a field of its own."""
    applying.apply(place.cluster, _owned(place, route), place.driver.manager, force=True)


def _pod_names(cluster: Cluster, label: str) -> list[str]:
    pods = cluster.list("v1", "Pod", f"{NAME_LABEL}={label}", "status.phase=Running")
    return [pod["metadata"]["name"] for pod in pods if not pod["metadata"].get("deletionTimestamp")]
