"""Capacity of the namespace's quotas for the objects that a release adds, including its record."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from toolkit.deploy.places.kubernetes import quotas
from toolkit.deploy.places.kubernetes.naming import is_migration
from toolkit.deploy.records import GOOD, ReleaseRecord, prune

if TYPE_CHECKING:
    from toolkit.deploy.outcomes import Plan
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace
    from toolkit.deploy.spec import ReleaseSpec


def shortages(place: KubernetesPlace, spec: ReleaseSpec, *, migrates: bool, release: Plan) -> list[str]:
    """Return a line for each quota that would refuse an object. Queries objects only if a quota counts any."""
    if place.namespace_missing:
        return []
    limits = place.cluster.list("v1", "ResourceQuota")
    if not quotas.counts_objects(limits):
        return []
    return list(quotas.object_shortages(added(place, spec, migrates=migrates, release=release), limits))


def added(place: KubernetesPlace, spec: ReleaseSpec, *, migrates: bool, release: Plan) -> Counter[str]:
    """Return the number of objects of each kind that a release adds."""
    rolls = release.deferred or any(change.what.startswith("Deployment/") for change in release.changes)
    counts: Counter[str] = Counter()
    for item in place.objects(spec):
        skipped = is_migration(item, place.service) and not migrates
        if not skipped and place.cluster.get(item["apiVersion"], item["kind"], item["metadata"]["name"]) is None:
            counts[item["kind"]] += 1
    counts["ReplicaSet"] += bool(rolls)
    if place.environment.driver == "helm":
        counts["Secret"] += not release.empty  # Helm's own record of its revision
    # The record step removes old records before it writes the new one.
    past = place.records()
    new = ReleaseRecord(past[-1].number + 1 if past else 1, spec.digest, spec.image, GOOD, place.environment.driver)
    counts["ConfigMap"] += 1 - len(prune([*past, new], place.environment.history))
    return counts
