"""The project on its hosts: the deploy lock, the history, the database, and the containers that a release has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from toolkit.deploy.places.defaults import PlaceDefaults
from toolkit.deploy.places.machine import containers, history, http, processes, proxy
from toolkit.deploy.places.machine.accessory import Accessory
from toolkit.deploy.places.machine.backups import MachineBackups
from toolkit.deploy.places.machine.host import Machine
from toolkit.deploy.places.machine.lock import HostLock
from toolkit.deploy.places.machine.plan import Wanted

if TYPE_CHECKING:
    from toolkit.deploy.inventory.machine import MachineEnvironment
    from toolkit.deploy.outcomes import Failed
    from toolkit.deploy.places.changes import Changes
    from toolkit.deploy.records import Kept, ReleaseRecord
    from toolkit.deploy.report import Report
    from toolkit.deploy.spec import ReleaseSpec


class MachineProject(PlaceDefaults):
    """`machines`: in the order of the inventory; the first holds the lock and the history."""

    def __init__(
        self,
        environment: MachineEnvironment,
        report: Report,
        machines: Sequence[Machine],
        changes: Changes,
        error: Failed | None = None,
    ) -> None:
        super().__init__(changes, error)
        self.environment, self.report = environment, report
        self._machines = tuple(machines)
        self._records: list[ReleaseRecord] | None = None

    @property
    def project_name(self) -> str:
        return self.environment.project

    @property
    def machines(self) -> tuple[Machine, ...]:
        if self._error:
            raise self._error
        return self._machines

    @property
    def first(self) -> Machine:
        return self.machines[0]

    @cached_property
    def accessory(self) -> Accessory | None:
        """The database of the environment, where the toolkit runs it."""
        given = self.environment.database
        return Accessory(self.first, given, self.report) if given else None

    @property
    def backups(self) -> MachineBackups:
        """Raises AssertionError without an accessory."""
        if self.accessory is None:
            raise AssertionError("no database of the toolkit's")
        return MachineBackups(self.accessory, self.environment.name)

    @property
    def name(self) -> str:
        return f"{', '.join(host.ssh for host in self.environment.hosts)} {self.project_name}"

    @property
    def front(self) -> http.Address:
        """The proxy, as clients reach it, from its host."""
        given = self.environment.proxy
        if given.domain:
            return http.Address("127.0.0.1", given.https_port, given.domain, tls=True)
        return http.Address("127.0.0.1", given.http_port)

    # the deploy lock

    @contextmanager
    def lock(self, run_url: str) -> Iterator[None]:
        with HostLock(self.first, self.environment.lease_seconds, run_url) as lock, self.changes.guarded(lock.require):
            yield

    def recover(self) -> str:
        self._records = None  # another deployer may have written one since
        if self.accessory:
            self.accessory.forget()
        removed = []
        for machine in self.machines:
            processes.recover(machine)
            state = machine.state()
            for item in state.web:
                if item.running and item not in state.routed:
                    machine.engine.remove(item.name)
                    removed.append(f"{item.name} on {machine.name}")
        return f"removed {', '.join(removed)}, which a killed deploy left" if removed else ""

    # the history

    def records(self) -> list[ReleaseRecord]:
        if self._records is None:
            self._records = history.read(self.first)
        return self._records

    def write_record(self, record: ReleaseRecord) -> ReleaseRecord:
        return history.write(self.first, record)

    def prune(self, gone: Sequence[ReleaseRecord], kept: Sequence[ReleaseRecord], spec: ReleaseSpec) -> None:
        self.first.remove([history.path_of(record) for record in gone])
        current = str(self._web(spec)["secrets"])
        for machine in self.machines:
            machine.remove(history.unreferenced(machine.listed("secrets"), kept, current))

    def kept_objects(self, spec: ReleaseSpec) -> tuple[Kept, ...]:
        return (self._web(spec), *processes.specifications(spec, self.environment, self._made))

    def is_recorded(self, spec: ReleaseSpec, record: ReleaseRecord) -> bool:
        return record.objects == self.kept_objects(spec)

    @property
    def _made(self) -> Mapping[str, str]:
        return self.accessory.variables if self.accessory else {}

    def _web(self, spec: ReleaseSpec) -> Kept:
        return containers.web(spec, self.environment, self._made)

    def wanted(self, objects: Sequence[Kept], replaced: Collection[str] = ()) -> Wanted:
        """Return the state of a release with these objects: the service, and its processes."""
        web = next(dict(item) for item in objects if item["kind"] == containers.WEB)
        others = tuple(dict(item) for item in objects if item["kind"] == containers.PROCESS)
        return Wanted(web, proxy.hash_of(self.environment), others, frozenset(replaced))

    def on(self, machine: Machine, wanted: Wanted) -> Wanted:
        """Return the part of a host: a scheduled command runs on the first alone."""
        return wanted if machine is self.first else wanted.without_schedules
