"""The config step: objects that must exist before the migration runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import UNKNOWN, Outcome, Plan
from toolkit.deploy.places.kubernetes import apply as applying
from toolkit.deploy.places.kubernetes import sources
from toolkit.deploy.places.kubernetes.client import MANAGER
from toolkit.deploy.places.kubernetes.naming import is_generated
from toolkit.deploy.places.kubernetes.objects import CONFIG_KINDS, Object, identity

if TYPE_CHECKING:
    from toolkit.deploy.release.state import Target


class Config:
    """The config step: ConfigMap, Secret and ServiceAccount. Names contain a hash: old pods keep their own."""

    name, undoable, before_lock = "config", False, False

    def observe(self, target: Target) -> Any:
        wanted = None if target.objects is None else configuration(target)
        force = target.options.correct_drift
        return wanted and applying.look(target.cluster, wanted, MANAGER, force=force)

    def plan(self, target: Target, seen: Any) -> Plan:
        return UNKNOWN if seen is None else Plan(applying.changes(seen))

    def apply(self, target: Target, plan: Plan) -> Outcome:
        wanted = {identity(item): item for item in configuration(target)}
        for change in plan.changes:
            applying.apply(target.cluster, wanted[change.what], MANAGER, force=target.options.correct_drift)
        if target.environment.secret.external:
            sources.await_external(target)
            target.mark = sources.mark(sources.read(target))
        return Outcome(summary=", ".join(change.what for change in plan.changes))


def configuration(target: Target) -> list[Object]:
    """Return the objects required by the migration; not a chart's own ConfigMaps, which Helm would not adopt."""
    found = [item for item in target.objects or () if item["kind"] in CONFIG_KINDS]
    if target.environment.driver != "helm":
        return found
    return [item for item in found if is_generated(item, target.facts.name)]
