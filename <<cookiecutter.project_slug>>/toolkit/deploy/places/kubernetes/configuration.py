"""The config step: ConfigMap, Secret and ServiceAccount. Names contain a hash: old pods keep their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Plan, fail
from toolkit.deploy.places.kubernetes import apply as applying
from toolkit.deploy.places.kubernetes import canary, external_secret, quotas, sources
from toolkit.deploy.places.kubernetes.client import MANAGER
from toolkit.deploy.places.kubernetes.naming import is_generated, is_migration
from toolkit.deploy.places.kubernetes.objects import CONFIG_KINDS, Object, identity
from toolkit.deploy.places.kubernetes.template_values import process_name

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import KubernetesEnvironment
    from toolkit.deploy.places import Observation
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace
    from toolkit.deploy.spec import ReleaseSpec


@dataclass(frozen=True)
class Compared:
    looks: tuple[applying.Look, ...]

    def plan(self) -> Plan:
        """Raises Failed DRIFT."""
        return Plan(applying.changes(self.looks))


def configuration(place: KubernetesPlace, spec: ReleaseSpec) -> list[Object]:
    """Return the objects required by the migration; not a chart's own ConfigMaps, which Helm would not adopt."""
    items = [item for item in place.objects(spec) if item["kind"] in CONFIG_KINDS]
    if place.environment.driver != "helm":
        return items
    return [item for item in items if is_generated(item, place.service)]


def observe(place: KubernetesPlace, spec: ReleaseSpec) -> Compared:
    wanted = configuration(place, spec)
    return Compared(tuple(applying.look(place.cluster, wanted, MANAGER, force=place.correct_drift)))


def apply(place: KubernetesPlace, spec: ReleaseSpec, plan: Plan) -> str:
    """Returns the mark of what the pods read, also once the operator of an ExternalSecret has written it."""
    wanted = {identity(item): item for item in configuration(place, spec)}
    for change in plan.changes:
        applying.apply(place.cluster, wanted[change.what], MANAGER, force=place.correct_drift)
    if not place.environment.secret.external:
        return spec.mark
    external_secret.await_written(place)
    return sources.mark(sources.read(place))


def released(place: KubernetesPlace, spec: ReleaseSpec) -> list[Object]:
    """Return the objects of the release driver: neither configuration nor the migration's Job."""
    apart = configuration(place, spec)
    return [item for item in place.objects(spec) if item not in apart and not is_migration(item, place.service)]


@dataclass(frozen=True)
class WithinQuotas:
    """The driver's comparison of a release, the quotas of its pods, and what a killed deployer has left."""

    driver: Observation
    service: str
    environment: KubernetesEnvironment
    limits: tuple[Object, ...]
    left: tuple[Object, ...] = ()  # `recover` removes them before the plan is applied

    def plan(self) -> Plan:
        """Plan. Raises Failed DRIFT, and QUOTA if the additional pods of a roll-out would be refused."""
        plan = self.driver.plan()
        env, added = self.environment, 0
        numbers = {process_name(self.service, name): process.replicas for name, process in env.processes.items()}
        for change in plan.changes:
            kind, _, name = change.what.partition("/")
            if kind == "Deployment" and change.action != "delete":
                added += numbers.get(name, env.replicas) if change.action == "create" else 1
        if added and (short := list(quotas.shortages(env, self.limits, added))):
            hint = "raise the quota, or lower `resources`: a roll-out needs one more pod"
            raise fail("QUOTA", "the namespace's quota would refuse the new pods", *short, hint=hint)
        gone = tuple(Change("delete", identity(item)) for item in self.left)
        return replace(plan, changes=(*plan.changes, *gone))


def observe_release(place: KubernetesPlace, spec: ReleaseSpec) -> WithinQuotas:
    driver = place.driver.observe(place, released(place, spec))
    if place.namespace_missing:
        return WithinQuotas(driver, place.service, place.environment, ())
    limits = place.cluster.list("v1", "ResourceQuota")
    left = canary.leftovers(place.cluster, place.service) if place.environment.gateway else ()
    return WithinQuotas(driver, place.service, place.environment, tuple(limits), tuple(left))
