"""Removal of a service from its hosts: what would be deleted, and what is kept. Only this project is looked at."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Plan, fail
from toolkit.deploy.places.machine import accessory, containers, proxy

if TYPE_CHECKING:
    from toolkit.deploy.places.machine.host import Machine, State
    from toolkit.deploy.places.machine.place import MachinePlace

# In this order: first the way in, then what serves. A container of another role, such as a database, stays.
ROLES = (containers.PROXY, containers.WEB, containers.PROCESS, containers.MIGRATE, containers.ONE_OFF)
FILES = ("proxy", "secrets", "history", "holder", "lock")
PASSWORD = PurePosixPath(accessory.PASSWORD_FILE).parts[0]
CONTAINER, NETWORK, VOLUME, FOLDER = "container", "network", "volume", "folder"
POLL_SECONDS = 0.2


def plan(place: MachinePlace, *, database: bool) -> Plan:
    """Return what deploys have made, the records last; backups stay. Raises Failed DATABASE_NOT_OURS."""
    if database and place.accessory is None:
        hint = "remove it where it runs; leave out --database"
        name = place.environment.name
        raise fail("DATABASE_NOT_OURS", f"the toolkit does not run the database of {name}", hint=hint)
    found: list[Change] = []
    for machine in place.machines:
        names = [proxy.volume(machine.project), *([accessory.name_of(machine.project)] if database else [])]
        volumes = [name for name in names if machine.engine.volume(name) is not None]
        found += changes(machine.state(), volumes, machine.folder, machine.listed(""), database=database)
    return Plan(tuple(found), note=f"kept: the images, {'backups' if database else 'backups, and the database'}")


def changes(
    state: State, volumes: Collection[str], folder: str, files: Collection[str], *, database: bool = False
) -> list[Change]:
    """Return what is deleted on a host: a network stays while a container that stays is on it. Pure."""
    roles = (*ROLES, accessory.DATABASE) if database else ROLES
    gone = sorted((item for item in state.instances if item.role in roles), key=lambda item: roles.index(item.role))
    used = {name for item in state.instances if item not in gone for name in item.addresses}
    names = [f"{CONTAINER} {item.name}" for item in gone]
    names += [f"{NETWORK} {name}" for name in sorted(state.networks - used)]
    names += [f"{VOLUME} {name}" for name in volumes]
    names += [f"{FOLDER} {folder}/{PASSWORD}"] if database and PASSWORD in files else []
    names += [f"{FOLDER} {folder}"] if set(files) & set(FILES) else []
    return [Change("delete", f"{name} on {state.host}") for name in names]


def apply(place: MachinePlace, planned: Plan) -> None:
    """Delete. Instances get the time of a release for their last requests."""
    machines = {machine.name: machine for machine in place.machines}
    told: set[str] = set()
    for change in planned.changes:
        kind, _, rest = change.what.partition(" ")
        name, _, host = rest.rpartition(" on ")
        machine = machines[host]
        place.report.progress("remove", change.what)
        if kind == CONTAINER:
            if name != proxy.name(machine.project) and host not in told:
                told.add(host)
                _tell(machine)
            _end(place, machine, name)
        elif kind == NETWORK:
            machine.engine.remove_network(name)
        elif kind == VOLUME:
            machine.engine.remove_volume(name)
        else:
            machine.clear(FILES if name == machine.folder else [PASSWORD])


def _tell(machine: Machine) -> None:
    """Tell all instances to end, so that they drain at the same time."""
    state = machine.state()
    for item in (*state.web, *state.processes):
        if item.running and item.policy != "no":
            machine.engine.restart_policy(item.name, "no")
            machine.engine.signal(item.name, "SIGTERM")


def _end(place: MachinePlace, machine: Machine, name: str) -> None:
    """Remove a container; one that serves, or the proxy, first gets its time."""
    live, began = machine.engine.inspect(name), time.monotonic()
    if live and live.running and live.role == containers.PROXY:
        machine.engine.restart_policy(name, "no")
        machine.engine.signal(name, "SIGTERM")
    while live and live.running and live.role in (containers.PROXY, containers.WEB, containers.PROCESS):
        if time.monotonic() - began > place.environment.termination_grace:
            break
        place.require_lock()
        time.sleep(POLL_SECONDS)
        live = machine.engine.inspect(name)
    machine.engine.remove(name)
