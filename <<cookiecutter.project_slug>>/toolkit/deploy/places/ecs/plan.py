"""Changes that a release makes to a service. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Change

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.values import Definition, Service
    from toolkit.deploy.records import Kept

SERVICE = "service"


@dataclass(frozen=True)
class Wanted:
    """A release of the service. `replicas`: None where auto scaling sets it. `revision`: empty until registered."""

    definition: Definition
    replicas: int | None
    revision: str = ""

    def kept(self) -> Kept:
        """Return the form for the record."""
        return {
            "kind": SERVICE,
            "definition": self.definition,
            "replicas": self.replicas,
            "revision": self.revision,
        }


def from_kept(kept: Kept) -> Wanted:
    replicas = kept.get("replicas")
    return Wanted(kept["definition"], None if replicas is None else int(replicas), str(kept.get("revision", "")))


def same_release(one: Kept, other: Kept) -> bool:
    """Return True for the same release, whatever number ECS gave its task definition."""
    return {**one, "revision": ""} == {**other, "revision": ""}


def parameters(service: Service, wanted: Wanted) -> dict[str, Any]:
    """Return the arguments of UpdateService that change something; empty for a service that is as wanted.

    The circuit breaker ends a deployment that fails, and must not roll back by itself: the deploy does, and checks it.
    """
    found: dict[str, Any] = {}
    if service.revision != wanted.revision or not wanted.revision:
        found["taskDefinition"] = wanted.revision
    primary = service.primary
    if primary and primary.rollout == "FAILED" and "taskDefinition" not in found:
        found["forceNewDeployment"] = True  # ECS starts no task of a failed deployment any more
    if wanted.replicas is not None and service.desired != wanted.replicas:
        found["desiredCount"] = wanted.replicas
    if service.breaker != (True, False):
        breaker = {**(service.configuration.get("deploymentCircuitBreaker") or {}), "enable": True, "rollback": False}
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
