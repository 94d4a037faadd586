"""Causes of a stopped task, from its reason and exit code. Pure; codes as for pods.

Messages: "Stopped tasks error codes" and "CannotPullContainer task errors" in the developer guide of ECS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.places.ecs.definition import APP
from toolkit.exit_codes import EX_CONFIG, NOT_EXECUTABLE, NOT_FOUND

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.values import Task

KILLED = 137


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
