"""Schedules of EventBridge Scheduler, which starts a task of a process at its times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolkit.deploy.inventory.eventbridge import expression
from toolkit.deploy.places.ecs.calls import explained
from toolkit.deploy.places.ecs.values import Schedule

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.calls import Calls
    from toolkit.deploy.places.ecs.plan import Wanted
    from toolkit.deploy.places.ecs.values import Service

# A run that cannot be started is tried again for so long.
RETRY = {"MaximumEventAgeInSeconds": 300, "MaximumRetryAttempts": 5}


def wanted_schedule(wanted: Wanted, service: Service, network: Mapping[str, Any], role: str) -> Schedule:
    """Return the schedule of a process, whose tasks are started as the service does it. Pure."""
    launch = {key[0].upper() + key[1:]: value for key, value in service.launch.items()}
    given = network.get("awsvpcConfiguration") or {}
    # The API of EventBridge has the same words in another case.
    awsvpc = {key[0].upper() + key[1:]: value for key, value in given.items() if value}
    parameters = {
        "TaskDefinitionArn": wanted.revision,
        "TaskCount": 1,
        "PropagateTags": "TASK_DEFINITION",
        **launch,
        **({"NetworkConfiguration": {"awsvpcConfiguration": awsvpc}} if awsvpc else {}),
    }
    return Schedule(expression(wanted.schedule), service.cluster, role, parameters)


def read(calls: Calls, name: str) -> Schedule | None:
    """Return a schedule; None without one of this name."""
    answer = calls.found("scheduler", "get_schedule", Name=name)
    if answer is None:
        return None
    target = answer.get("Target") or {}
    return Schedule(
        str(answer.get("ScheduleExpression", "")),
        str(target.get("Arn", "")),
        str(target.get("RoleArn", "")),
        target.get("EcsParameters") or {},
        answer.get("State", "ENABLED") == "ENABLED",
    )


def write(calls: Calls, name: str, schedule: Schedule, *, exists: bool) -> None:
    target = {
        "Arn": schedule.cluster,
        "RoleArn": schedule.role,
        "EcsParameters": dict(schedule.parameters),
        "RetryPolicy": RETRY,
    }
    given: dict[str, object] = {
        "Name": name,
        "ScheduleExpression": schedule.expression,
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": "ENABLED",
        "Target": target,
    }
    with explained():
        if exists:
            calls.client.change("scheduler", "update_schedule", **given)
        else:
            calls.client.change("scheduler", "create_schedule", **given)


def delete(calls: Calls, name: str) -> None:
    with explained():
        calls.client.change("scheduler", "delete_schedule", Name=name)
