"""Status and logs of the service's tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.deploy.places.ecs import processes
from toolkit.deploy.places.ecs.definition import app_of, digest_of, log_stream
from toolkit.deploy.places.ecs.plan import SCHEDULED, is_complete
from toolkit.deploy.places.values import Instance, PlaceStatus, Running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolkit.deploy.places.ecs.place import EcsPlace
    from toolkit.deploy.places.ecs.plan import Wanted
    from toolkit.deploy.places.ecs.services import Live


def running(live: Live, release: Sequence[Wanted]) -> Running:
    """Return whether the services of a release alone run; an empty release was not looked at. Pure."""
    parts = [
        (item, live.workers.get(item.process) if item.process else live.web)
        for item in release
        if item.kind != SCHEDULED
    ]
    complete = bool(parts) and all(service and is_complete(service, item) for item, service in parts)
    said = [f"{live.web.running} of {live.web.desired} tasks run"]
    said += [
        f"{item.process} {service.running}/{service.desired} ready" if service else f"{item.process} is missing"
        for item, service in parts
        if item.process
    ]
    return Running(live.web.name, complete, "; ".join(said) if parts else "not looked at")


def status(place: EcsPlace) -> PlaceStatus:
    service = place.releases.services.web()
    definition, _ = place.releases.revisions.read(service.revision)
    health = {
        target.address: target for item in service.load_balancers for target in place.calls.targets(item.target_group)
    }
    found, unready, ready, old = [], "", 0, 0
    for task in place.calls.tasks(service=service.name):
        target = health.get(task.address)
        good = task.status == "RUNNING" and (target is None or target.state == "healthy")
        found.append(Instance(task.id, good, task.status.lower(), 0, task.address))
        if task.revision != service.revision:
            old += 1
            continue
        ready += good
        if not good and not unready:
            unready = f"{task.id}: {f'{target.state} {target.reason}'.strip() if target else task.status.lower()}"
    image = str(app_of(definition).get("image", "")) if digest_of(definition) else ""
    stale = bool(place.releases.references.mark) and place.has_other_variables(place.releases.references.mark)
    return PlaceStatus(image, service.desired, ready, old, unready, stale, tuple(found), processes.states(place))


def log_lines(place: EcsPlace, lines: int) -> list[str]:
    """Return the newest lines of each task, each after its id."""
    service, environment = place.releases.services.web(), place.environment
    output = []
    for task in place.calls.tasks(service=service.name):
        stream = log_stream(environment.family, task.id)
        output += [f"{task.id}  {line}" for line in place.calls.log_lines(environment.log_group, stream, lines)]
    return output or [f"No task of {service.name} has logged anything."]
