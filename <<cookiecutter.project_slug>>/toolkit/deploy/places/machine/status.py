"""Status and logs of the instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from toolkit.deploy.places import metrics
from toolkit.deploy.places.machine import containers, http, processes, verdict
from toolkit.deploy.places.machine.rollout import ask
from toolkit.deploy.places.values import Figures, Instance, PlaceStatus
from toolkit.deploy.records import last_good

if TYPE_CHECKING:
    from toolkit.deploy.places.machine.place import MachinePlace
    from toolkit.deploy.records import Kept

METRICS_SECONDS = 2.0  # an instance that hangs must not delay its own verdict


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
    others = processes.states(place.machines, processes_on_record(place))
    return PlaceStatus(image, desired, ready, old, unready, False, tuple(found), others)


def figures(place: MachinePlace) -> Mapping[str, Figures]:
    """Return the requests that each instance has answered since its start, by its name and host."""
    port, found = place.environment.metrics_port or place.environment.port, {}
    for machine in place.machines:
        for live in machine.state().web:
            ip = next((address for address in live.addresses.values() if address), "")
            if live.running and ip:
                answer = http.get(machine.connection, http.Address(ip, port), "/metrics", seconds=METRICS_SECONDS)
                if answer and answer.status == 200:
                    found[f"{live.name} {machine.name}"] = metrics.figures(answer.text)
    return found


def processes_on_record(place: MachinePlace) -> Sequence[Kept]:
    """Return the processes of the last good release; none without one."""
    record = last_good(place.records())
    return [item for item in (record.objects if record else ()) if item["kind"] == containers.PROCESS]


def log_lines(place: MachinePlace, lines: int) -> list[str]:
    """Return the newest lines of each instance, each after its name."""
    several, output = len(place.machines) > 1, []
    for machine in place.machines:
        state = machine.state()
        for live in (*state.serving, *(item for item in state.processes if item.running)):
            name = f"{machine.name} {live.name}" if several else live.name
            output += [f"{name}  {line}" for line in machine.engine.logs(live.name, lines)]
    return output or [f"No container of {place.project_name} has logged anything."]
