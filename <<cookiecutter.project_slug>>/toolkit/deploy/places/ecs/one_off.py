"""One-off tasks: the migration, and commands of a person."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.ecs import evidence
from toolkit.deploy.places.ecs.definition import APP, log_stream
from toolkit.deploy.places.ecs.stop_reasons import of_task

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.place import EcsPlace
    from toolkit.deploy.places.ecs.values import Task

POLL_SECONDS = 0.5
# CloudWatch shows the last lines up to some seconds after a task's end.
LOG_SECONDS = 3.0


def start(place: EcsPlace, revision: str, command: Sequence[str], mark: str) -> Task:
    """Start a task beside the service. Raises Failed UNABLE_TO_PLACE."""
    service = place.releases.services.web()
    chosen = place.releases.services.network(service)
    task, failures = place.calls.run_task(
        revision,
        startedBy=mark,
        overrides={"containerOverrides": [{"name": APP, "command": list(command)}]},
        **({"networkConfiguration": chosen} if chosen else {}),
        **service.launch,
    )
    if task is None:
        hint = "give the cluster capacity: its capacity providers, and free addresses in the subnets"
        raise fail("UNABLE_TO_PLACE", "ECS cannot place the task", failures or "no reason given", hint=hint)
    return task


def refreshed(place: EcsPlace, task: Task) -> Task:
    """Return the task as it is now. Raises Failed TASK_GONE."""
    found = place.calls.described([task.arn])
    if not found:
        raise fail("TASK_GONE", f"ECS no longer knows the task {task.id}", hint="run the same command again")
    return found[0]


def run(place: EcsPlace, revision: str, family: str, command: Sequence[str], show: Callable[[str], None]) -> int:
    """Run a command, show each line, and return its exit code. Raises Failed where it cannot start."""
    task = start(place, revision, command, f"run-{secrets.token_hex(4)}")
    ended_at: list[float] = []

    def ended() -> bool:
        nonlocal task
        if not task.stopped:
            task = refreshed(place, task)
        if task.stopped and not ended_at:
            ended_at.append(time.monotonic())
        time.sleep(POLL_SECONDS)
        return bool(ended_at) and time.monotonic() - ended_at[0] > LOG_SECONDS

    try:
        for line in place.calls.follow(place.environment.log_group, log_stream(family, task.id), ended):
            show(line)
    finally:
        if not task.stopped:
            place.calls.stop_task(task.arn, "Stopped by deploy: the command was interrupted")
    code = task.container(APP).exit_code
    verdict = of_task(task)
    if code is None or (verdict and verdict.code not in ("CRASH_LOOP", "START_ERROR", "OUT_OF_MEMORY")):
        if verdict is None:
            raise fail("RUN_LOST", f"the task was stopped: {task.stopped_reason}", hint="run it again")
        raise Failed(evidence.page(verdict, task, (), None))
    return code
