"""Objects against a cluster: what an apply would change, and the apply itself. Both release drivers use it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.cluster import HANDOVER, Conflicted
from deploy.model import Change, fail
from deploy.objects import Conflict, Object, diff, differs, identity, owner_of
from deploy.patience import NotThere
from deploy.release import LABEL

if TYPE_CHECKING:
    from deploy.cluster import Cluster

# The kinds that a release may stop having, with their API.
PRUNED = {
    "Ingress": "networking.k8s.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "PodDisruptionBudget": "policy/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Service": "v1",
    "Deployment": "apps/v1",
}


@dataclass(frozen=True)
class Look:
    """An object as wanted, as it is, and as a dry run says that it would be (None: the namespace is not there yet)."""

    wanted: Object
    live: Object | None
    planned: Object | None
    conflicts: tuple[Conflict, ...] = ()

    @property
    def same(self) -> bool:
        return self.live is not None and self.planned is not None and not differs(self.live, self.planned)


def look(cluster: Cluster, wanted: Sequence[Object], manager: str, *, force: bool = False) -> list[Look]:
    """Dry runs on the server, so defaulting and admission have their say. Four at a time: they wait for the network."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda item: _look(cluster, item, manager, force), wanted))


def _look(cluster: Cluster, wanted: Object, manager: str, force: bool) -> Look:
    live = _live(cluster, wanted)
    body = _with_replicas(wanted, live, manager)
    try:
        return Look(wanted, live, cluster.apply(body, dry_run=True, force=force, manager=manager))
    except NotThere:
        return Look(wanted, None, None)
    except Conflicted as conflicted:
        return Look(wanted, live, live, conflicted.found)


def changes(seen: Sequence[Look]) -> tuple[Change, ...]:
    """Pure. Raises Failed DRIFT naming every field that somebody else has changed, its manager, and since when."""
    drifted = [f"{identity(each.wanted)} {conflict}" for each in seen for conflict in each.conflicts]
    if drifted:
        raise fail(
            "DRIFT",
            "somebody else has changed what this release sets",
            *drifted,
            hint="put that into the repository, or pass --correct-drift to overwrite it",
        )
    return tuple(
        Change(
            "create" if each.live is None else "update",
            identity(each.wanted),
            diff(each.live, each.planned or each.wanted),
        )
        for each in seen
        if not each.same
    )


def apply(cluster: Cluster, wanted: Object, manager: str, *, force: bool = False, least: int | None = None) -> Object:
    """Server-side apply; `replicas` that are no longer ours are handed over first, or they would fall to 1.

    `least`: how many pods a Deployment starts with that leaves the number to an autoscaler from then on.
    """
    if least is not None and _lets_go_of_replicas(wanted) and _live(cluster, wanted) is None:
        cluster.apply({**wanted, "spec": {**wanted["spec"], "replicas": least}}, force=force, manager=manager)
    hand_over(cluster, wanted, manager)
    return cluster.apply(wanted, force=force, manager=manager)


def hand_over(cluster: Cluster, wanted: Object, manager: str) -> None:
    """A second manager keeps the number of pods when `manager` stops setting it, for the HPA to change."""
    if not _lets_go_of_replicas(wanted):
        return
    live = _live(cluster, wanted)
    if live is not None and owner_of(live, ("spec", "replicas")) == {manager}:
        cluster.apply(_replicas_alone(live), force=True, manager=HANDOVER)


def leftovers(cluster: Cluster, service: str, wanted: Sequence[Object]) -> list[Object]:
    """What carries the service's label, of the kinds that a release may stop having, and is not wanted."""
    names = {identity(item) for item in wanted}
    live = [item for kind, api in PRUNED.items() for item in cluster.list(api, kind, f"{LABEL}={service}")]
    return [item for item in live if identity(item) not in names and not item["metadata"].get("ownerReferences")]


def _with_replicas(wanted: Object, live: Object | None, manager: str) -> Object:
    """For the dry run: as if the field had been handed over already."""
    if live is None or not _lets_go_of_replicas(wanted) or owner_of(live, ("spec", "replicas")) != {manager}:
        return wanted
    copy = deepcopy(wanted)
    copy["spec"]["replicas"] = live["spec"]["replicas"]
    return copy


def _live(cluster: Cluster, wanted: Object) -> Object | None:
    return cluster.get(wanted["apiVersion"], wanted["kind"], wanted["metadata"]["name"])


def _lets_go_of_replicas(wanted: Object) -> bool:
    return wanted["kind"] == "Deployment" and "replicas" not in wanted["spec"]


def _replicas_alone(live: Object) -> Object:
    metadata = {"name": live["metadata"]["name"], "namespace": live["metadata"]["namespace"]}
    return {
        "apiVersion": live["apiVersion"],
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {"replicas": live["spec"]["replicas"]},
    }
