"""Objects of earlier releases that a release no longer has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from toolkit.deploy.places.kubernetes import gateway
from toolkit.deploy.places.kubernetes.labels import LABEL, NAME_LABEL, migration_label
from toolkit.deploy.places.kubernetes.objects import Object, identity

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.client import Cluster

# Kinds of objects that a release may drop, with their API.
PRUNED = {
    "Ingress": "networking.k8s.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "PodDisruptionBudget": "policy/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Service": "v1",
    "Deployment": "apps/v1",
    "CronJob": "batch/v1",
    "Job": "batch/v1",
}


def api_of(kind: str) -> str:
    """Return the API of a kind that a release may drop."""
    return gateway.API if kind == gateway.KIND else PRUNED[kind]


def leftovers(cluster: Cluster, service: str, wanted: Sequence[Object], selector: str = "") -> list[Object]:
    """Return unwanted objects with the service's label, of the kinds that a release may drop.

    Migrations stay: the record step removes them when no release in the history refers to them.
    """
    names = {identity(item) for item in wanted}
    chosen = selector or f"{LABEL}={service}"
    live = [item for kind, api in PRUNED.items() for item in cluster.list(api, kind, chosen)]
    live += gateway.routes(cluster, chosen)
    return [
        item
        for item in live
        if identity(item) not in names
        and not item["metadata"].get("ownerReferences")
        and item["metadata"].get("labels", {}).get(NAME_LABEL) != migration_label(service)
    ]
