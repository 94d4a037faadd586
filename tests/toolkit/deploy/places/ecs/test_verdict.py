"""Verdicts on a deployment and on the migration: one row for each cause, in the words of ECS."""

from dataclasses import replace

import pytest

from toolkit.deploy.places.ecs.migration_failures import failure
from toolkit.deploy.places.ecs.stop_reasons import of_task
from toolkit.deploy.places.ecs.values import Container, Deployment, LoadBalancer, Service, Target, Task
from toolkit.deploy.places.ecs.verdict import UNPLACED_SECONDS, Seen, is_complete, judge

ID = "ecs-svc/1"
PULL = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref "
SECRETS = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
    "unable to retrieve secret from asm: service call has been retried 1 time(s): "
)


def task(reason: str = "", code: int | None = None, container: str = "", stop_code: str = "") -> Task:
    app = Container("app", code, container)
    return Task("arn:task/1", "arn:1", ID, "STOPPED", stop_code, reason, "", (app,))


def service(*deployments: Deployment, events: tuple[tuple[str, str], ...] = (), desired: int = 1) -> Service:
    groups = (LoadBalancer("arn:group", "app", 8000),)
    running = sum(item.running for item in deployments)
    return Service("shop", "arn", "ACTIVE", "arn:2", desired, running, deployments, events, groups, "ECS", "REPLICA", 0)


def deployment(rollout: str = "IN_PROGRESS", running: int = 0, id_: str = ID, status: str = "PRIMARY") -> Deployment:
    return Deployment(id_, status, "arn:2", 1, running, rollout, "tasks failed to start")


@pytest.mark.parametrize(
    ("stopped", "code", "once"),
    [
        (task(PULL + "example/shop@sha256:1: not found"), "IMG_NOT_FOUND", True),
        (task("CannotPullContainerError: 404 Client Error: Not Found (manifest unknown)"), "IMG_NOT_FOUND", True),
        (task(PULL + "x: unexpected status from HEAD request: 403 Forbidden"), "IMG_DENIED", True),
        (task(PULL + "x: dial tcp 10.0.0.1:443: i/o timeout"), "PULL_TIMEOUT", False),
        (
            task("CannotPullContainerError: image Manifest does not contain descriptor matching platform linux/amd64"),
            "IMG_PLATFORM",
            True,
        ),
        (
            task("CannotPullContainerError: toomanyrequests: You have reached your pull rate limit"),
            "IMG_RATE_LIMITED",
            False,
        ),
        (task(SECRETS + "ResourceNotFoundException: Secrets Manager can't find the secret"), "SECRET_NOT_FOUND", True),
        (task(SECRETS + "AccessDeniedException: User: x is not authorized"), "SECRET_DENIED", True),
        (task(SECRETS + "RequestCanceled: context deadline exceeded"), "SECRET_UNREACHABLE", False),
        (
            task("ResourceInitializationError: retrieved secret from Secrets Manager did not contain json key uri"),
            "SECRET_NOT_FOUND",
            True,
        ),
        (
            task("ResourceInitializationError: failed to validate logger args: The specified log group does not exist"),
            "LOG_GROUP",
            True,
        ),
        (task("ECS was unable to assume the role 'arn:aws:iam::1:role/x'"), "ROLE_DENIED", True),
        (task("Essential container in task exited", 137, "OutOfMemoryError: Container killed"), "OUT_OF_MEMORY", False),
        (task("Essential container in task exited", 137), "CRASH_LOOP", False),
        (task("Essential container in task exited", 17), "CRASH_LOOP", False),
        (task("Essential container in task exited", 0), "CRASH_LOOP", False),
        (task("Essential container in task exited", 78), "CRASH_LOOP", True),
        (task("Essential container in task exited", 127), "START_ERROR", True),
        (task("", None, "CannotStartContainerError: exec: no such file"), "START_ERROR", False),
        (task("Task failed ELB health checks in (target-group arn)", None), "NOT_READY", False),
        (task("Task failed container health checks", None), "NOT_READY", False),
        (task("Scaling activity initiated by (deployment ecs-svc/1)", 0), "", False),
        (task("Task stopped by user", 143, stop_code="UserInitiated"), "", False),
        (task("Your Spot Task was interrupted.", 143, stop_code="SpotInterruption"), "", False),
    ],
)
def test_reason_of_a_stopped_task(stopped: Task, code: str, once: bool) -> None:
    found = of_task(stopped)
    assert (found.code if found else "") == code
    assert (found.once if found else False) == once
    assert found is None or found.hint


CRASH = task("Essential container in task exited", 17)
UNPLACED = (("now", "(service shop) was unable to place a task because no capacity."),)


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (Seen(service(deployment()), ID), ""),
        (Seen(None, ID), "SERVICE_GONE"),
        (Seen(service(deployment()), ID, [CRASH]), ""),  # one may be an accident
        (Seen(service(deployment()), ID, [CRASH, CRASH]), "CRASH_LOOP"),
        (Seen(service(deployment("FAILED")), ID, [CRASH]), "CRASH_LOOP"),
        (Seen(service(deployment("FAILED")), ID), "ROLLOUT_FAILED"),
        (Seen(service(deployment(id_="ecs-svc/2")), ID), "DEPLOYMENT_REPLACED"),
        (Seen(service(deployment(id_="ecs-svc/2")), ID, [CRASH, CRASH]), "CRASH_LOOP"),  # the cause, not its effect
        (Seen(service(deployment(), events=UNPLACED), ID, seconds=UNPLACED_SECONDS - 1), ""),
        (Seen(service(deployment(), events=UNPLACED), ID, seconds=UNPLACED_SECONDS + 1), "UNABLE_TO_PLACE"),
        (Seen(service(deployment(running=1), events=UNPLACED), ID, seconds=UNPLACED_SECONDS + 1), ""),
        (Seen(service(deployment()), ID, seconds=301), "NOT_READY"),
    ],
)
def test_verdict_on_a_deployment(seen: Seen, code: str) -> None:
    found = judge(seen, 300)
    assert (found[0].code if found else "") == code


def test_late_deployment_names_the_target() -> None:
    targets = [Target("10.0.0.1", "healthy"), Target("10.0.0.2", "unhealthy", "Health checks failed: [503]")]
    seen = Seen(service(deployment(running=1)), ID, (), targets, frozenset({"10.0.0.2"}), 301)
    found = judge(seen, 300)
    assert found
    assert "target 10.0.0.2 is unhealthy: Health checks failed: [503]" in found[0].message


HEALTHY = Seen(
    service(deployment("COMPLETED", 1)), ID, (), [Target("10.0.0.1", "healthy")], frozenset({"10.0.0.1"}), 10
)
OLD = deployment("COMPLETED", 1, "ecs-svc/0", "ACTIVE")


@pytest.mark.parametrize(
    ("seen", "complete"),
    [
        (HEALTHY, True),
        (replace(HEALTHY, deployment="ecs-svc/0"), False),
        (replace(HEALTHY, service=service(deployment("IN_PROGRESS", 1))), False),
        (replace(HEALTHY, service=service(deployment("COMPLETED", 1), OLD)), False),
        (replace(HEALTHY, targets=[Target("10.0.0.1", "initial")]), False),
        (replace(HEALTHY, targets=[Target("10.0.0.9", "healthy")]), False),  # of the release before
        (replace(HEALTHY, targets=[]), True),  # the deployer may not read them
        (replace(HEALTHY, service=None), False),
    ],
)
def test_complete_deployment(seen: Seen, complete: bool) -> None:
    assert is_complete(seen) is complete


@pytest.mark.parametrize(
    ("stopped", "lines", "code"),
    [
        (task("Essential container in task exited", 78), (), "SETTINGS_REFUSED"),
        (task("Essential container in task exited", 75), (), "MIGRATION_LOCKED"),
        (task("Essential container in task exited", 69), (), "DATABASE_UNREACHABLE"),
        (task("Essential container in task exited", 1), (), "MIGRATION_FAILED"),
        (task("Essential container in task exited", 1), ("locked for 5 s",), "MIGRATION_FAILED"),
        (task("Essential container in task exited", 137), (), "MIGRATION_INTERRUPTED"),
        (task("Task stopped by user", None, stop_code="UserInitiated"), (), "MIGRATION_INTERRUPTED"),
        (task(PULL + "x: not found"), (), "IMG_NOT_FOUND"),
        (task(SECRETS + "ResourceNotFoundException"), (), "SECRET_NOT_FOUND"),
    ],
)
def test_verdict_on_a_migration(stopped: Task, lines: tuple[str, ...], code: str) -> None:
    assert failure(stopped, lines).code == code
