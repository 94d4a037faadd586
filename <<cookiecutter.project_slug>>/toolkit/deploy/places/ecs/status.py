"""Status and logs of the service's tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.deploy.places.ecs.definition import app_of, digest_of, log_stream
from toolkit.deploy.places.values import Instance, PlaceStatus

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.place import EcsPlace


def status(place: EcsPlace) -> PlaceStatus:
    service = place.live_service()
    definition, _ = place.definition(service.revision)
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
    stale = bool(place.references.mark) and place.has_other_variables(place.references.mark)
    return PlaceStatus(image, service.desired, ready, old, unready, stale, tuple(found))


def log_lines(place: EcsPlace, lines: int) -> list[str]:
    """Return the newest lines of each task, each after its id."""
    service, environment = place.live_service(), place.environment
    output = []
    for task in place.calls.tasks(service=service.name):
        stream = log_stream(environment.family, task.id)
        output += [f"{task.id}  {line}" for line in place.calls.log_lines(environment.log_group, stream, lines)]
    return output or [f"No task of {service.name} has logged anything."]
