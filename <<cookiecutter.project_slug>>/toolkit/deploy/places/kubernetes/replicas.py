"""The number of pods, when a release leaves it to an autoscaler: handed over, or it would drop to 1."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from toolkit.deploy.places.kubernetes.client import HANDOVER
from toolkit.deploy.places.kubernetes.objects import Object, owner_of

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.client import Cluster


def hand_over(cluster: Cluster, wanted: Object, manager: str) -> None:
    """Let a second manager keep the number of pods when `manager` stops setting it, for the HPA to change."""
    if not lets_go_of_replicas(wanted):
        return
    live = cluster.get(wanted["apiVersion"], wanted["kind"], wanted["metadata"]["name"])
    if live is not None and owner_of(live, ("spec", "replicas")) == {manager}:
        cluster.apply(_replicas_alone(live), force=True, manager=HANDOVER)


def as_handed_over(wanted: Object, live: Object | None, manager: str) -> Object:
    """Return the object for the dry run, as if the field had already been handed over."""
    if live is None or not lets_go_of_replicas(wanted) or owner_of(live, ("spec", "replicas")) != {manager}:
        return wanted
    copy = deepcopy(wanted)
    copy["spec"]["replicas"] = live["spec"]["replicas"]
    return copy


def lets_go_of_replicas(wanted: Object) -> bool:
    return wanted["kind"] == "Deployment" and "replicas" not in wanted["spec"]


def _replicas_alone(live: Object) -> Object:
    metadata = {"name": live["metadata"]["name"], "namespace": live["metadata"]["namespace"]}
    return {
        "apiVersion": live["apiVersion"],
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {"replicas": live["spec"]["replicas"]},
    }
