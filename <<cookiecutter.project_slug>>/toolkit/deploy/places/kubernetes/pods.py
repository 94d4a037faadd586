"""A Deployment and its pods, divided into those of the newest revision and older ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.deploy.places.kubernetes.pod_failures import is_ready

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.client import Cluster
    from toolkit.deploy.places.kubernetes.objects import Object

REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True)
class View:
    """State of a Deployment: its newest ReplicaSet, the pods of that, and older ones that still serve."""

    deployment: Object | None
    replica_set: Object | None = None
    pods: tuple[Object, ...] = ()
    old: tuple[Object, ...] = ()
    events: tuple[Object, ...] = ()

    @property
    def settled(self) -> bool:
        """True if the controller has seen the newest generation."""
        deployment = self.deployment
        return (
            bool(deployment)
            and deployment.get("status", {}).get("observedGeneration", 0) >= deployment["metadata"]["generation"]
        )

    @property
    def complete(self) -> bool:
        """True if updated, ready and available equal the desired number, and no older pod serves."""
        if not self.settled or self.deployment is None:
            return False
        status, desired = self.deployment.get("status", {}), self.deployment["spec"].get("replicas", 1)
        counts = [status.get(f"{name}Replicas", 0) for name in ("updated", "ready", "available")]
        return (
            [*counts, status.get("replicas", 0)] == [desired] * 4
            and not self.old
            and sum(map(is_ready, self.pods)) == desired
        )

    @property
    def summary(self) -> str:
        if self.deployment is None:
            return "no Deployment"
        return f"{sum(map(is_ready, self.pods))}/{self.deployment['spec'].get('replicas', 1)} ready" + (
            f", {len(self.old)} old" if self.old else ""
        )

    def restarts(self) -> int:
        return sum(
            int(entry.get("restartCount", 0))
            for pod in self.pods
            for entry in pod["status"].get("containerStatuses", ())
        )


def look(cluster: Cluster, name: str, *, events: bool = True) -> View:
    """Read the state with four lists, without a watch (which ends silently when the server closes it)."""
    deployment = cluster.get("apps/v1", "Deployment", name)
    if deployment is None:
        return View(None)
    selector = ",".join(f"{key}={value}" for key, value in deployment["spec"]["selector"]["matchLabels"].items())
    sets = [item for item in cluster.list("apps/v1", "ReplicaSet", selector) if _owned(item, deployment)]
    pods = cluster.list("v1", "Pod", selector)
    return divide(deployment, sets, pods, cluster.list("v1", "Event") if events else [])


def divide(deployment: Object, sets: Sequence[Object], pods: Sequence[Object], events: Sequence[Object]) -> View:
    """Build the state. The newest revision is the ReplicaSet with the Deployment's own revision number. Pure.

    Until the controller has seen the newest generation, that number is the previous one's, whose pods do not count.
    """
    if not View(deployment).settled:
        return View(deployment)
    wanted = deployment["metadata"].get("annotations", {}).get(REVISION)
    newest = next((item for item in sets if item["metadata"].get("annotations", {}).get(REVISION) == wanted), None)
    if newest is None:
        return View(deployment)
    leaving = [
        pod
        for pod in pods
        if not pod["metadata"].get("deletionTimestamp")
        and pod.get("status", {}).get("phase") not in ("Failed", "Succeeded")
    ]
    mine = tuple(pod for pod in leaving if _owned(pod, newest))
    others = {item["metadata"]["uid"] for item in sets if item is not newest}
    old = tuple(
        pod for pod in leaving if any(owner["uid"] in others for owner in pod["metadata"].get("ownerReferences", ()))
    )
    return View(deployment, newest, mine, old, tuple(events))


def _owned(item: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    return any(
        reference.get("uid") == owner["metadata"]["uid"] for reference in item["metadata"].get("ownerReferences", ())
    )
