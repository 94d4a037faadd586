"""State of the further processes: workers, and the last run of each scheduled command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.deploy.places.ecs.definition import APP, family_of, log_stream
from toolkit.deploy.places.values import Process

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolkit.deploy.places.ecs.place import EcsPlace
    from toolkit.deploy.places.ecs.values import Task


def states(place: EcsPlace) -> tuple[Process, ...]:
    """Return the state of each process of the inventory, by name."""
    live, found = place.releases.live() if place.environment.processes else None, []
    for name, process in sorted(place.environment.processes.items()):
        if process.schedule:
            here = live is not None and name in live.schedules
            found.append(_scheduled(place, name, process.schedule) if here else Process(name, False, "is missing"))
            continue
        service = live.workers.get(name) if live else None
        if service is None:
            found.append(Process(name, False, "is missing"))
        else:
            good = service.running == service.desired
            found.append(Process(name, good, f"{service.running}/{service.desired} ready"))
    return tuple(found)


def _scheduled(place: EcsPlace, name: str, schedule: str) -> Process:
    family = family_of(place.environment, name)
    last = newest(place.calls.tasks(stopped=True, family=family))
    if last is None:
        return Process(name, True, f"`{schedule}` has not ended a run within the last hour")
    lines = place.calls.log_lines(place.environment.log_group, log_stream(family, last.id), 1)
    return outcome_of(name, schedule, last, lines[-1] if lines else "")


def newest(tasks: Sequence[Task]) -> Task | None:
    """Return the run that has ended last. Pure."""
    return max((task for task in tasks if task.stopped), key=lambda task: task.ended or task.created, default=None)


def outcome_of(name: str, schedule: str, last: Task, line: str) -> Process:
    """Pure. `line`: the last one of its log."""
    code = last.container(APP).exit_code
    if code == 0:
        return Process(name, True, f"`{schedule}` succeeded at {last.ended}")
    reason = f"exit code {code}" if code is not None else last.container(APP).reason or last.stopped_reason
    said = f": {line}" if line and code is not None else ""
    return Process(name, False, f"`{schedule}` failed at {last.ended}, {reason}{said}")
