"""The migration: a task of the new task definition, beside the service."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.ecs import evidence, migration_failures, one_off
from toolkit.deploy.places.ecs.definition import APP, log_stream
from toolkit.deploy.places.ecs.stop_reasons import Verdict

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.place import EcsPlace
    from toolkit.deploy.places.ecs.values import Task

COMMAND = ("migrate",)


@dataclass
class StartedTask:
    place: EcsPlace
    task: Task

    def wait(self) -> None:
        """Wait for its success. Raises Failed with the reason."""
        place, limit, began = self.place, self.place.environment.migration_seconds, time.monotonic()
        while not self.task.stopped:
            place.require_lock()
            if time.monotonic() - began > limit:
                place.calls.stop_task(self.task.arn, f"Stopped by deploy: not ended within {limit} s")
                hint = "find out what it is waiting for, or raise `migration_seconds`; then deploy again"
                message = f"the migration did not end within {limit} s"
                raise self._failed(Verdict("MIGRATION_TIMEOUT", message, hint))
            place.report.progress("migrate", f"task {self.task.id}: {self.task.status.lower()}")
            time.sleep(one_off.POLL_SECONDS)
            self.task = one_off.refreshed(place, self.task)
        if self.task.container(APP).exit_code == 0:
            return
        group, stream = place.environment.log_group, log_stream(place.environment.family, self.task.id)
        found = migration_failures.failure(self.task, place.calls.log_lines(group, stream, evidence.SHOWN))
        message = ": ".join(filter(None, ("the migration failed", found.message)))
        raise self._failed(replace(found, message=message))

    def _failed(self, found: Verdict) -> Failed:
        place = self.place
        folder, group = place.evidence_folder(), place.environment.log_group
        lines = evidence.save(folder, place.calls, group, place.environment.family, self.task)
        return Failed(evidence.page(found, self.task, lines, folder))


def start(place: EcsPlace, revision: str) -> StartedTask:
    """Start it, or adopt the one of a killed deployer."""
    mark = mark_of(revision)
    running = place.calls.tasks(started_by=mark)
    return StartedTask(place, running[0] if running else one_off.start(place, revision, COMMAND, mark))


def mark_of(revision: str) -> str:
    """Return what the task is started with: at most 36 characters."""
    return f"migrate-{revision.rpartition('/')[2].replace(':', '-')}"[-36:]
