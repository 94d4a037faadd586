"""Checks of the hosts for `doctor`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from toolkit.deploy.places.machine import prerequisites, processes, proxy
from toolkit.deploy.places.machine.status import processes_on_record
from toolkit.deploy.places.values import Finding

if TYPE_CHECKING:
    from toolkit.deploy.places.machine.host import Machine
    from toolkit.deploy.places.machine.place import MachinePlace

# `network_mode` and friends are stable since; older engines are unsupported upstream.
OLDEST_ENGINE = (20, 10)
FREE_MEGABYTES = 2048
CLOCK_SECONDS = 5.0


def checks(place: MachinePlace) -> Mapping[str, Callable[[], Finding]]:
    found = {"host": host, "engine": engine, "disk": disk, "clock": clock, "proxy": ports}
    if place.accessory:
        found["accessory"] = accessory
    if place.environment.processes:
        found["processes"] = further_processes
    return {name: (lambda check=check: _everywhere(place, check)) for name, check in found.items()}


def _everywhere(place: MachinePlace, check: Callable[[MachinePlace, Machine], Finding]) -> Finding:
    """Run a check on every host; the first fault is the result."""
    findings = [(machine, check(place, machine)) for machine in place.machines]
    bad = [(machine, finding) for machine, finding in findings if not finding.ok]
    chosen = [finding for _, finding in bad or findings]
    several = len(place.machines) > 1
    texts = [
        f"{machine.name}: {finding.summary}" if several else finding.summary for machine, finding in bad or findings
    ]
    return Finding(not bad, "; ".join(texts), hints=tuple(dict.fromkeys(item.hint for item in chosen if item.hint)))


def host(place: MachinePlace, machine: Machine) -> Finding:
    lacking = prerequisites.lacks(machine)
    hint = f"`python3 tasks.py provision {place.environment.name}` prints what prepares the host"
    return Finding(not lacking, "; ".join(lacking) or f"{machine.folder} is writable", hint)


def engine(place: MachinePlace, machine: Machine) -> Finding:
    version, platform = machine.engine.version()
    numbers = tuple(int(part) for part in version.split("+")[0].split(".")[:2] if part.isdecimal())
    return Finding(numbers >= OLDEST_ENGINE, f"Docker {version}, {platform}", "install Docker 20.10 or newer")


def disk(place: MachinePlace, machine: Machine) -> Finding:
    free = min(prerequisites.free_space(machine).values(), default=0)
    hint = f"free some space on the host: {prerequisites.REMEDY}"
    return Finding(free >= FREE_MEGABYTES, f"{free / 1024:.1f} GiB free", hint)


def clock(place: MachinePlace, machine: Machine) -> Finding:
    before = time.time()
    done = machine.connection.run("date +%s.%N")
    there, here = float(done.out or 0), (before + time.time()) / 2
    hint = "start a time service on the host: `sudo timedatectl set-ntp true`"
    return Finding(
        abs(there - here) < CLOCK_SECONDS, f"{abs(there - here):.1f} s apart from this machine's clock", hint
    )


def accessory(place: MachinePlace, machine: Machine) -> Finding:
    """The database's container runs, or a deploy will create or start it."""
    if place.accessory is None:
        return Finding(True, "none")
    todo = place.accessory.plan()
    if todo:
        return Finding(True, f"a deploy will {', '.join(map(str, todo))}")
    kept = len(place.backups.listed())
    return Finding(True, f"{place.accessory.name} is running; backups: {kept}")


def further_processes(place: MachinePlace, machine: Machine) -> Finding:
    if machine is not place.first:
        return Finding(True, "see the first host")
    found = processes.states(place.machines, processes_on_record(place))
    if not found:
        return Finding(True, "not deployed yet")
    failed = [item for item in found if not item.ok]
    lines = tuple(f"{item.name} {item.summary}" for item in found)
    if failed:
        hint = f"`python3 tasks.py logs --env {place.environment.name}` has their output"
        return Finding(False, f"{len(failed)} of {len(found)} processes failed: {'; '.join(lines)}", hint)
    return Finding(True, "; ".join(lines))


def ports(place: MachinePlace, machine: Machine) -> Finding:
    """The proxy runs, or its ports are free."""
    live = machine.engine.inspect(proxy.name(machine.project))
    if live and live.running:
        return Finding(True, f"{live.name} is running")
    given = place.environment.proxy
    numbers = [given.http_port, *([given.https_port] if given.domain else [])]
    done = machine.connection.run("ss -ltnH 2>/dev/null | awk '{print $4}'")
    taken = [f"port {number}" for number in numbers if any(line.endswith(f":{number}") for line in done.out.split())]
    taken += [f"port {number} by {name}" for number in numbers for name in machine.engine.publishers(number)]
    if taken:
        hint = "stop the program that has it (`ss -ltnp` on the host), or choose other ports in `proxy:`"
        return Finding(False, f"taken: {', '.join(taken)}", hint)
    return Finding(True, f"not started yet; port {' and '.join(map(str, numbers))} is free")
