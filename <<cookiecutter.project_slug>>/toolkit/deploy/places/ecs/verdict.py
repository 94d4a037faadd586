"""Verdicts on a deployment, from its stopped tasks, its targets and the service's events. Pure; codes as for pods.

Messages: "Stopped tasks error codes" and "CannotPullContainer task errors" in the developer guide of ECS.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.places.ecs.definition import APP
from toolkit.exit_codes import EX_CONFIG, EX_TEMPFAIL, EX_UNAVAILABLE, NOT_EXECUTABLE, NOT_FOUND

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.values import Service, Target, Task

KILLED = 137
# One task may be lost by accident; a second one in the same way is a fault of the release.
TWICE = 2
UNPLACED_SECONDS = 60.0


@dataclass(frozen=True)
class Verdict:
    """A failure. `once`: fatal at its first occurrence; any other one may be an accident."""

    code: str
    message: str
    hint: str
    once: bool = True
    exit_code: int | None = None


@dataclass(frozen=True)
class Known:
    pattern: re.Pattern[str]
    code: str
    message: str
    hint: str
    once: bool = True


NETWORK = (
    r"i/o timeout|context deadline exceeded|RequestCanceled|connection refused|no such host|dial tcp|"
    r"connection issue between the task"
)
NO_WAY_OUT = (
    "the task's subnets need a way out: a NAT gateway, a public address, or VPC endpoints for ECR, S3, Secrets Manager "
    "and CloudWatch Logs"
)
MEMORY = "raise `memory` in deploy/inventory.yaml, or find out what uses the memory"
# In this order: the first pattern that occurs in the reason of a stopped task.
TABLE = tuple(
    Known(re.compile(pattern, re.I | re.S), code, message, hint, once)
    for pattern, code, message, hint, once in (
        (
            rf"CannotPull.*({NETWORK})",
            "PULL_TIMEOUT",
            "the image's registry cannot be reached from the task",
            NO_WAY_OUT,
            False,
        ),
        (
            r"CannotPull.*(toomanyrequests|rate limit|429)",
            "IMG_RATE_LIMITED",
            "the registry limits the rate of pulls",
            "keep the image in ECR, or log in to the registry with repositoryCredentials",
            False,
        ),
        (
            r"CannotPull.*(descriptor matching platform|no match for platform|no matching manifest)",
            "IMG_PLATFORM",
            "the image is built for another processor",
            "set `architecture` and `platforms` in deploy/inventory.yaml to the same processor",
            True,
        ),
        (
            r"CannotPull.*(403|denied|unauthorized|authorization|no basic auth)",
            "IMG_DENIED",
            "the registry denies the image",
            "allow the execution role to pull it: ecr:GetAuthorizationToken, ecr:BatchGetImage and "
            "ecr:GetDownloadUrlForLayer",
            True,
        ),
        (
            r"CannotPull.*(not found|manifest unknown|does not exist|404)",
            "IMG_NOT_FOUND",
            "the image was not found in its registry",
            "push it, or name a digest that exists",
            True,
        ),
        (r"CannotPull", "PULL_FAILED", "the image cannot be pulled", "see the reason above", False),
        (
            rf"(pull|retrieve) secrets?.*({NETWORK})",
            "SECRET_UNREACHABLE",
            "AWS Secrets Manager cannot be reached from the task",
            NO_WAY_OUT,
            False,
        ),
        (
            r"secret.*(AccessDenied|not authorized)",
            "SECRET_DENIED",
            "the execution role may not read a secret",
            "allow it secretsmanager:GetSecretValue on the secret, and kms:Decrypt on its key",
            True,
        ),
        (
            r"(pull|retrieve) secrets?|unable to retrieve secret|retrieved secret|json key",
            "SECRET_NOT_FOUND",
            "a secret, or its property, does not exist",
            "create it in AWS Secrets Manager, or correct `secret.keys` in deploy/inventory.yaml",
            True,
        ),
        (
            r"(logger|logging driver|log group).*",
            "LOG_GROUP",
            "the log group cannot be used",
            "create `log_group`, and allow the execution role logs:CreateLogStream and logs:PutLogEvents",
            True,
        ),
        (
            r"assume.*role|role.*assume",
            "ROLE_DENIED",
            "ECS cannot assume a role of the task",
            "let ecs-tasks.amazonaws.com assume `execution_role` and `task_role`",
            True,
        ),
        (
            r"ResourceInitializationError",
            "TASK_NOT_STARTED",
            "the task's resources cannot be created",
            "see the reason above",
            False,
        ),
        (r"OutOfMemory", "OUT_OF_MEMORY", "killed: out of memory", MEMORY, False),
        (
            r"Cannot(Start|Create)ContainerError|ContainerRuntimeError|exec format error|ContainerRuntimeTimeout",
            "START_ERROR",
            "the container cannot be started",
            "check the image's entrypoint, and that the image is for `architecture`",
            False,
        ),
        (
            r"failed (ELB|Elastic Load Balancing) health checks|is unhealthy in \(?target-group",
            "NOT_READY",
            "the load balancer's health check fails",
            "see the last response of `/ready` in the log; the target group must ask `/ready` on the container's port, "
            "and the task's security group must allow it",
            False,
        ),
        (
            r"failed container health checks",
            "NOT_READY",
            "the container's health check fails",
            "see the last lines of its log",
            False,
        ),
    )
)
# The scheduler's own reasons, and what is replaced without a fault of the release.
HARMLESS = re.compile(
    r"Scaling activity initiated|Task stopped by user|Host EC2|Spot|Deployment completed|Service scaling down|"
    r"Task definition updated|Deployment capacity limit|Stopped by deploy"
)


def of_task(task: Task) -> Verdict | None:
    """Return why a task stopped; None for one that ECS or a person ended."""
    app = task.container(APP)
    reasons = "; ".join(filter(None, (app.reason, task.stopped_reason)))
    for known in TABLE:
        if known.pattern.search(reasons):
            return Verdict(known.code, known.message, known.hint, known.once, app.exit_code)
    if HARMLESS.search(task.stopped_reason) or task.stop_code in ("UserInitiated", "SpotInterruption"):
        return None
    return ended(app.exit_code) if app.exit_code is not None else None


def ended(code: int) -> Verdict:
    """Return the failure of a container that has ended, from its exit code."""
    if code in (NOT_EXECUTABLE, NOT_FOUND):
        hint = "check the image's entrypoint"
        return Verdict("START_ERROR", "the image's command cannot be executed", hint, True, code)
    if code == EX_CONFIG:
        hint = "the service refuses its settings; correct those named in the log"
        return Verdict("CRASH_LOOP", "the container has ended", hint, True, code)
    if code == KILLED:
        hint = f"if the log has no other reason: {MEMORY}"
        return Verdict("CRASH_LOOP", "the container was killed", hint, False, code)
    return Verdict("CRASH_LOOP", "the container has ended", "see the last lines of its log", False, code)


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


def migration(task: Task, lines: Sequence[str]) -> Verdict:
    """Return why the migration's task has failed."""
    code = task.container(APP).exit_code
    if code is not None and (known := MIGRATION.get(code)):
        return Verdict(*known, exit_code=code)
    if (found := of_task(task)) and found.code not in ("CRASH_LOOP", "NOT_READY"):
        return found
    if code in (KILLED, 143) or code is None:
        return Verdict("MIGRATION_INTERRUPTED", "the task was stopped before it ended", "deploy again", exit_code=code)
    if any("locked for" in line for line in lines):  # output of app/db/migrations.py
        hint = "a table stayed locked: find the session that holds it in pg_stat_activity, then deploy again"
        return Verdict("MIGRATION_FAILED", "", hint, exit_code=code)
    hint = "correct the revision, then deploy again; the release is unchanged"
    return Verdict("MIGRATION_FAILED", "", hint, exit_code=code)


MIGRATION = {
    EX_CONFIG: (
        "SETTINGS_REFUSED",
        "the service refuses its settings",
        "correct the settings named above: `settings` in deploy/inventory.yaml, or the secrets in AWS Secrets Manager",
    ),
    EX_TEMPFAIL: (
        "MIGRATION_LOCKED",
        "another migration of this database is running",
        "wait until it ends, then deploy again",
    ),
    EX_UNAVAILABLE: (
        "DATABASE_UNREACHABLE",
        "the database cannot be reached",
        "check DATABASE_URL, and that the database's security group allows the tasks'; the lines above have the reason",
    ),
}
