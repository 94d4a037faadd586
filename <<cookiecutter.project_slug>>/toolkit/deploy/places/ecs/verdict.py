"""Verdicts on a deployment, from its stopped tasks, its targets and the service's events. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.places.ecs.stop_reasons import Verdict, of_task

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.values import Service, Target, Task

# One task may be lost by accident; a second one in the same way is a fault of the release.
TWICE = 2
UNPLACED_SECONDS = 60.0


@dataclass(frozen=True)
class Seen:
    """One look at a deployment. `stopped`: its own tasks. `seconds`: since it began."""

    service: Service | None
    deployment: str
    stopped: Sequence[Task] = ()
    targets: Sequence[Target] = ()
    addresses: frozenset[str] = frozenset()  # of its running tasks
    seconds: float = 0.0


def judge(seen: Seen, limit: float) -> tuple[Verdict, Task | None] | None:
    """Return what is fatal, with the task that shows it; None if the deployment may still complete in `limit` s."""
    if seen.service is None:
        return Verdict(
            "SERVICE_GONE", "the service was deleted during the deploy", "create it again by Terraform"
        ), None
    found = [(verdict, task) for task in seen.stopped if (verdict := of_task(task))]
    for verdict, task in found:
        if verdict.once or [one.code for one, _ in found].count(verdict.code) >= TWICE:
            return verdict, task
    primary = seen.service.primary
    if primary is None or primary.id != seen.deployment:
        hint = "find out who changed the service: its events, and CloudTrail (UpdateService); then deploy again"
        return Verdict("DEPLOYMENT_REPLACED", "another change has replaced this deployment", hint), None
    if primary.rollout == "FAILED":
        verdict, task = found[0] if found else (None, None)
        if verdict:
            return verdict, task
        hint = "see the service's events, and the log group"
        return Verdict("ROLLOUT_FAILED", f"ECS ended the deployment: {primary.reason}", hint), None
    unplaced = next((text for _, text in seen.service.events if "unable to place a task" in text), "")
    if unplaced and seen.seconds > UNPLACED_SECONDS and primary.running < primary.desired:
        reason = unplaced.partition("because ")[2] or unplaced
        hint = "give the cluster capacity: its capacity providers, and free addresses in the subnets"
        return Verdict("UNABLE_TO_PLACE", f"ECS cannot place a task: {reason.rstrip('.')}", hint), None
    if seen.seconds > limit:
        return late(seen, limit), None
    return None


def late(seen: Seen, limit: float) -> Verdict:
    """Return why a deployment is not complete in time."""
    sick = next((item for item in seen.targets if item.address in seen.addresses and item.state != "healthy"), None)
    primary = seen.service.primary if seen.service else None
    if sick:
        said = f"target {sick.address} is {sick.state}: {sick.reason}".rstrip(": ")
        hint = (
            "see the last response of `/ready` in the log; the target group must ask `/ready` on the container's port"
        )
        return Verdict("NOT_READY", f"not ready after {limit:.0f} s: {said}", hint)
    counts = f"{primary.running} of {primary.desired} tasks run" if primary else "no task runs"
    hint = "see the service's events: `aws ecs describe-services`"
    return Verdict("NOT_READY", f"not complete after {limit:.0f} s: {counts}", hint)


def is_complete(seen: Seen) -> bool:
    """Return True if the deployment alone runs, as often as asked, and the load balancer has found it healthy."""
    service = seen.service
    primary = service.primary if service else None
    if service is None or primary is None or primary.id != seen.deployment or primary.rollout == "IN_PROGRESS":
        return False
    others = [item for item in service.deployments if item.id != primary.id and item.running]
    healthy = sum(item.state == "healthy" and item.address in seen.addresses for item in seen.targets)
    enough = healthy >= primary.desired or not service.load_balancers or not seen.targets
    return not others and primary.running == service.desired and enough
