"""Daily operations on machines: the protocol `Operations`. One-off commands run on the first host."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from toolkit.deploy.inventory.machine import SLOTS
from toolkit.deploy.outcomes import fail
from toolkit.deploy.places import relay
from toolkit.deploy.places.machine import containers, one_off, removal, status, tunnel
from toolkit.deploy.places.machine.engine import SPEC
from toolkit.dev import subprocesses

if TYPE_CHECKING:
    from toolkit.deploy.outcomes import Plan
    from toolkit.deploy.places.machine.place import MachinePlace
    from toolkit.deploy.places.machine.plan import Wanted
    from toolkit.deploy.places.operations import Undo
    from toolkit.deploy.places.values import Tunnel
    from toolkit.deploy.records import Kept


class MachineOperations:
    def __init__(self, place: MachinePlace) -> None:
        self.place = place

    def run(self, command: Sequence[str], show: Callable[[str], None]) -> int:
        ended = one_off.run(self.place, command, show)
        if ended.out_of_memory:
            self.place.report.note("killed: out of memory; raise resources.memory_limit in deploy/inventory.yaml")
        return ended.exit_code

    def shell(self) -> int:
        """Let the host's `docker exec` have the terminal: this machine needs no Docker for that."""
        with one_off.created(self.place, relay.IDLE) as name:
            self.place.first.engine.start(name)
            return subprocesses.run(self.place.first.connection.terminal("docker", "exec", "-it", name, "sh"))

    @contextmanager
    def database(self, port: int) -> Iterator[Tunnel]:
        with tunnel.opened(self.place, port) as found:
            yield found

    def restart(self) -> Undo:
        """Begin to start every instance again in a container of its own, as a deploy does."""
        objects = [self._serving() or one_off.released(self.place), *self._processes()]
        ids = [
            item.id
            for machine in self.place.machines
            for item in machine.state().instances
            if item.role in (containers.WEB, containers.PROCESS)
        ]
        return self._begin(self.place.wanted(objects, replaced=ids), back=objects)

    def autoscaler(self) -> str:
        return ""

    def scale(self, count: int, process: str = "") -> Undo:
        """Start to change the number of instances on each host. Raises Failed TOO_MANY, NO_SUCH_PROCESS."""
        others = self._processes()
        if process:
            return self._scale_process(process, count, others)
        if count > SLOTS:
            hint = f"python3 tasks.py scale {self.place.environment.name} {SLOTS}"
            raise fail("TOO_MANY", f"a host runs at most {SLOTS} instances, and {count} are wanted", hint=hint)
        web = self._serving() or {**one_off.released(self.place), "replicas": 0}
        return self._begin(self.place.wanted([{**web, "replicas": count}, *others]), back=[web, *others])

    def _scale_process(self, name: str, count: int, others: Sequence[Kept]) -> Undo:
        web = self._serving() or {**one_off.released(self.place), "replicas": 0}
        if name not in [item["name"] for item in others]:
            hint = f"python3 tasks.py deploy {self.place.environment.name}"
            raise fail("NO_SUCH_PROCESS", f"the last release has no process {name!r}", hint=hint)
        changed = [{**item, "replicas": count} if item["name"] == name else item for item in others]
        return self._begin(self.place.wanted([web, *changed]), back=[web, *others])

    def set_secret(self, name: str, value: str) -> str:
        """Raises Failed SECRET_ELSEWHERE: a deploy takes the values from the environment or a store."""
        (how, *_) = self.place.change_secret([name])
        environment = self.place.environment.name
        hint = f"{how}, then `python3 tasks.py deploy {environment}`"
        raise fail("SECRET_ELSEWHERE", f"the secrets of {environment} are not kept by its machines", hint=hint)

    def removal(self, *, database: bool) -> Plan:
        return removal.plan(self.place, database=database)

    def remove(self, plan: Plan) -> None:
        removal.apply(self.place, plan)

    def _serving(self) -> Kept | None:
        """Return the specification of the instances that serve, with their number; None without any."""
        serving = [item for machine in self.place.machines for item in machine.state().serving if SPEC in item.labels]
        if not serving:
            return None
        newest = max(serving, key=lambda item: item.started_at)
        numbers = [sum(item.hash == newest.hash for item in machine.state().serving) for machine in self.place.machines]
        found: Kept = json.loads(newest.labels[SPEC])
        return {**found, "replicas": max(numbers)}

    def _processes(self) -> list[Kept]:
        """Return the processes of the last good release, as many of each as run."""
        states = [machine.state().processes for machine in self.place.machines]
        found = []
        for item in status.processes_on_record(self.place):
            hash_ = containers.hash_of(item)
            live = [sum(each.hash == hash_ and each.policy != "no" for each in state) for state in states]
            found.append({**item, "replicas": max(live)})
        return found

    def _begin(self, wanted: Wanted, back: Sequence[Kept]) -> Undo:
        def undo() -> None:
            self.place.clear_failed()
            self.place.begin(self.place.wanted(back))

        self.place.begin(wanted)
        return undo
