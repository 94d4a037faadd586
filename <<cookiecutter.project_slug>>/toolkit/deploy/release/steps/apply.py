"""The release step: every object except the configuration and the migration, with the release driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import UNKNOWN, Outcome, Plan, fail
from toolkit.deploy.places.kubernetes import quotas
from toolkit.deploy.places.kubernetes.naming import is_migration
from toolkit.deploy.release.steps.config import configuration

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.objects import Object
    from toolkit.deploy.release.state import Target


class Apply:
    """The release step. After its first change, a failure rolls back the release."""

    name, undoable, before_lock = "release", True, False

    def observe(self, target: Target) -> Any:
        if target.objects is None:
            return None
        limits = [] if target.namespace_missing else target.cluster.list("v1", "ResourceQuota")
        return target.driver.observe(target, released(target)), limits

    def plan(self, target: Target, seen: Any) -> Plan:
        """Plan. Raises Failed DRIFT, and QUOTA if the additional pods of a roll-out would be refused."""
        if seen is None:
            return UNKNOWN
        found, limits = seen
        plan = target.driver.plan(target, found)
        rolls = next((change for change in plan.changes if change.what.startswith("Deployment/")), None)
        env = target.environment
        added = env.replicas if rolls and rolls.action == "create" else 1
        if rolls and (short := list(quotas.shortages(env, limits, added))):
            hint = "raise the quota, or lower `resources`: a roll-out needs one more pod"
            raise fail("QUOTA", "the namespace's quota would refuse the new pods", *short, hint=hint)
        return plan

    def apply(self, target: Target, plan: Plan) -> Outcome:
        target.touched = True
        target.driver.apply(target, released(target), plan)
        return Outcome(summary=", ".join(filter(None, [*map(str, plan.changes), plan.note])))


def released(target: Target) -> list[Object]:
    """Return the objects of the release step: neither configuration nor the migration's Job."""
    apart, name = configuration(target), target.facts.name
    return [item for item in target.objects or () if item not in apart and not is_migration(item, name)]
