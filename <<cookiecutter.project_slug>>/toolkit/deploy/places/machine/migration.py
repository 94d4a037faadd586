"""The migration: a container that runs once, on the first host."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.machine import containers, verdict
from toolkit.deploy.places.machine.rollout import failure_of, fetch

if TYPE_CHECKING:
    from toolkit.deploy.places.machine.host import Machine
    from toolkit.deploy.places.machine.place import MachinePlace
    from toolkit.deploy.places.machine.plan import Wanted

POLL_SECONDS = 0.3


@dataclass(frozen=True)
class StartedContainer:
    place: MachinePlace
    machine: Machine
    name: str

    def wait(self) -> None:
        """Wait for its success. Raises Failed with the reason."""
        limit, began = self.place.environment.migration_seconds, time.monotonic()
        while True:
            self.place.require_lock()
            live = self.machine.engine.inspect(self.name)
            if live is None:
                found = verdict.Verdict("MIGRATION_FAILED", "its container was removed", "deploy again")
                raise Failed(failure_of(self.place, self.machine, self.name, found))
            if live.status in ("exited", "dead"):
                break
            if time.monotonic() - began > limit:
                hint = "find out what it is waiting for, or raise `migration_seconds`; then deploy again"
                found = verdict.Verdict("MIGRATION_TIMEOUT", f"the migration did not end within {limit} s", hint)
                page = failure_of(self.place, self.machine, self.name, found)
                self.machine.engine.remove(self.name)
                raise Failed(page)
            said = self.machine.engine.logs(self.name, 1)
            self.place.report.progress("migrate", said[-1][:120] if said else "starting")
            time.sleep(POLL_SECONDS)
        if live.exit_code:
            lines = tuple(self.machine.engine.logs(self.name, 20))
            found = verdict.migration_failed(live, lines)
            message = ": ".join(filter(None, ("the migration failed", found.message)))
            page = failure_of(
                self.place, self.machine, self.name, verdict.Verdict(found.code, message, found.hint, found.exit_code)
            )
            raise Failed(page)
        self.machine.engine.remove(self.name)


def start(place: MachinePlace, wanted: Wanted) -> StartedContainer:
    """Start it, or adopt the one of a killed deployer. One that has ended is replaced."""
    machine = place.machines[0]
    if machine.project not in machine.engine.networks(machine.project):
        machine.engine.create_network(machine.project, machine.project)
    secrets = machine.secrets(str(wanted.web["secrets"]))
    arguments = containers.migration_arguments(machine.project, wanted.web, secrets)
    name = str(arguments["name"])
    live = machine.engine.inspect(name)
    if live and live.running:
        return StartedContainer(place, machine, name)
    if live:
        machine.engine.remove(name)
    fetch(place, machine, wanted)
    machine.engine.create(arguments)
    machine.engine.start(name)
    return StartedContainer(place, machine, name)
