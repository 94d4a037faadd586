"""Capacity of the namespace's quotas for the objects that a release adds, including its record."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Plan
from toolkit.deploy.places.kubernetes import quotas
from toolkit.deploy.places.kubernetes.naming import is_migration
from toolkit.deploy.release import history as records_of

if TYPE_CHECKING:
    from toolkit.deploy.release.state import Target

# Placeholder for an image that is not built yet: the objects are otherwise the same.
NO_DIGEST = "sha256:" + "0" * 64


def shortages(target: Target) -> list[str]:
    """Return a line for each quota that would refuse an object. Queries objects only if a quota counts any."""
    if target.namespace_missing:
        return []
    limits = target.cluster.list("v1", "ResourceQuota")
    return list(quotas.object_shortages(added(target), limits)) if quotas.counts_objects(limits) else []


def added(target: Target) -> Counter[str]:
    """Return the number of objects of each kind that a release adds."""
    objects = target.objects or target.rendered_for(NO_DIGEST)
    undecided = Plan(deferred="unknown")
    migrates = not target.plans.get("migrate", undecided).empty
    release = target.plans.get("release", undecided)
    rolls = release.deferred or any(change.what.startswith("Deployment/") for change in release.changes)
    found: Counter[str] = Counter()
    for item in objects:
        skipped = is_migration(item, target.facts.name) and not migrates
        if not skipped and target.cluster.get(item["apiVersion"], item["kind"], item["metadata"]["name"]) is None:
            found[item["kind"]] += 1
    found["ReplicaSet"] += bool(rolls)
    if target.environment.driver == "helm":
        found["Secret"] += not release.empty  # Helm's own record of its revision
    # The record step removes old records before it writes the new one.
    new = target.new_record(records_of.GOOD)
    found["ConfigMap"] += 1 - len(records_of.prune([*target.records, new], target.environment.history))
    return found
