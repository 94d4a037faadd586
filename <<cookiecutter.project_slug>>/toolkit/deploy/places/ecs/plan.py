"""Changes that a release makes to the services and schedules of an environment. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Change

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.values import Definition, Schedule, Service
    from toolkit.deploy.records import Kept

SERVICE, WORKER, SCHEDULED = "service", "worker", "scheduled"
# The circuit breaker ends a deployment that fails, and must not roll back by itself: the deploy does, and checks it.
BREAKER = {"enable": True, "rollback": False}


@dataclass(frozen=True)
class Wanted:
    """A part of a release: the service, a worker, or a scheduled command.

    `replicas`: None where auto scaling sets it. `revision`: empty until registered. `process`: its name; empty for the
    service. `schedule`: as in the inventory.
    """

    definition: Definition
    replicas: int | None
    revision: str = ""
    process: str = ""
    schedule: str = ""

    @property
    def kind(self) -> str:
        return SCHEDULED if self.schedule else WORKER if self.process else SERVICE

    def kept(self) -> Kept:
        """Return the form for the record."""
        process = {"process": self.process} if self.process else {}
        schedule = {"schedule": self.schedule} if self.schedule else {}
        return {
            "kind": self.kind,
            "definition": self.definition,
            "replicas": self.replicas,
            "revision": self.revision,
            **process,
            **schedule,
        }


def from_kept(kept: Kept) -> Wanted:
    replicas = kept.get("replicas")
    return Wanted(
        kept["definition"],
        None if replicas is None else int(replicas),
        str(kept.get("revision", "")),
        str(kept.get("process", "")),
        str(kept.get("schedule", "")),
    )


def same_release(one: Sequence[Kept], other: Sequence[Kept]) -> bool:
    """Return True for the same release, whatever numbers ECS gave its task definitions."""
    return [{**item, "revision": ""} for item in one] == [{**item, "revision": ""} for item in other]


def parameters(service: Service, wanted: Wanted) -> dict[str, Any]:
    """Return the arguments of UpdateService that change something; empty for a service that is as wanted."""
    found: dict[str, Any] = {}
    if service.revision != wanted.revision or not wanted.revision:
        found["taskDefinition"] = wanted.revision
    primary = service.primary
    if primary and primary.rollout == "FAILED" and "taskDefinition" not in found:
        found["forceNewDeployment"] = True  # ECS starts no task of a failed deployment any more
    if wanted.replicas is not None and service.desired != wanted.replicas:
        found["desiredCount"] = wanted.replicas
    if service.breaker != (True, False):
        breaker = {**(service.configuration.get("deploymentCircuitBreaker") or {}), **BREAKER}
        found["deploymentConfiguration"] = {**service.configuration, "deploymentCircuitBreaker": breaker}
    return found


def changes(service: Service, wanted: Wanted) -> list[Change]:
    """Return what `parameters` changes, for people."""
    found = []
    given = parameters(service, wanted)
    if "taskDefinition" in given or "forceNewDeployment" in given:
        found.append(Change("update", f"service {service.name}"))
    if "desiredCount" in given:
        found.append(Change("update", f"desired count of {service.name} from {service.desired} to {wanted.replicas}"))
    if "deploymentConfiguration" in given:
        found.append(Change("update", f"circuit breaker of {service.name}: on, without a rollback of its own"))
    return found


def changes_of_worker(name: str, live: Service | None, wanted: Wanted | None) -> list[Change]:
    """`name`: of its service. `wanted`: None for a worker that the release does not have."""
    if live is None:
        return [Change("create", f"service {name}")] if wanted else []
    return changes(live, wanted) if wanted else [Change("delete", f"service {name}")]


def changes_of_schedule(name: str, live: Schedule | None, target: Schedule | None) -> list[Change]:
    """`target`: what the release wants; None for a schedule that it does not have."""
    if live == target:
        return []
    action = "create" if live is None else "update" if target else "delete"
    return [Change(action, f"schedule {name}")]


def is_complete(service: Service, wanted: Wanted) -> bool:
    """Return True if the wanted revision alone runs, as often as asked."""
    primary = service.primary
    return bool(
        primary
        and len([item for item in service.deployments if item.running or item.status == "PRIMARY"]) == 1
        and primary.rollout in ("COMPLETED", "")
        and primary.revision == wanted.revision
        and service.running == service.desired
    )
