"""Status and logs of the instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.deploy.places.machine import verdict
from toolkit.deploy.places.machine.rollout import ask
from toolkit.deploy.places.values import Instance, PlaceStatus

if TYPE_CHECKING:
    from toolkit.deploy.places.machine.place import MachinePlace


def status(place: MachinePlace) -> PlaceStatus:
    current, found, unready, image = place.running_hash(), [], "", ""
    desired, ready, old = 0, 0, 0
    for machine in place.machines:
        state = machine.state()
        desired += sum(live.hash == current and live.policy != "no" for live in state.routed)
        for live in state.serving:
            answer = ask(machine, live, place.environment.port, "/ready") if live.running else None
            good = verdict.is_ready(answer)
            found.append(Instance(live.name, good, live.status, live.restarts, machine.name))
            if live.hash != current:
                old += 1
                continue
            ready += good
            image = image or f"{place.environment.repository}@{live.digest}"
            if not good and not unready:
                unready = f"{live.name}: {verdict.detail(answer) or 'no response'}"
    return PlaceStatus(image, desired, ready, old, unready, False, tuple(found))


def log_lines(place: MachinePlace, lines: int) -> list[str]:
    """Return the newest lines of each instance, each after its name."""
    several, output = len(place.machines) > 1, []
    for machine in place.machines:
        for live in machine.state().serving:
            name = f"{machine.name} {live.name}" if several else live.name
            output += [f"{name}  {line}" for line in machine.engine.logs(live.name, lines)]
    return output or [f"No container of {place.project_name} has logged anything."]
