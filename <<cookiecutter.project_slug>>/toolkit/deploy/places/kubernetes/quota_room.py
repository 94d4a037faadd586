"""Whether the namespace's quotas have room for the objects that a release adds, its record included."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Plan
from toolkit.deploy.places.kubernetes import quotas
from toolkit.deploy.places.kubernetes.naming import is_migration
from toolkit.deploy.release import history as records_of

if TYPE_CHECKING:
    from toolkit.deploy.release.state import Target

# In place of an image that is not built yet: the objects are the same ones, but for it.
NO_DIGEST = "sha256:" + "0" * 64


def shortages(target: Target) -> list[str]:
    """A line for each quota that would refuse something. Asks for each object only where a quota counts any."""
    if target.namespace_missing:
        return []
    limits = target.cluster.list("v1", "ResourceQuota")
    return list(quotas.object_shortages(added(target), limits)) if quotas.counts_objects(limits) else []


def added(target: Target) -> Counter[str]:
    """How many objects of each kind a release adds to those that exist."""
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
