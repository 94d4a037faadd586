"""The parts of a release: the service, workers and scheduled commands, with the task definition of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from toolkit.deploy.places.ecs import definition, references
from toolkit.deploy.places.ecs.plan import Wanted, from_kept
from toolkit.deploy.places.ecs.revisions import Revisions
from toolkit.deploy.places.ecs.services import Live, Services

if TYPE_CHECKING:
    from toolkit.deploy.inventory.ecs import EcsEnvironment
    from toolkit.deploy.places.ecs.calls import Calls
    from toolkit.deploy.places.ecs.references import References
    from toolkit.deploy.places.ecs.values import Definition
    from toolkit.deploy.records import ReleaseRecord
    from toolkit.deploy.spec import ReleaseSpec


class Releases:
    """`records`: reads the history."""

    def __init__(
        self, calls: Calls, environment: EcsEnvironment, records: Callable[[], Sequence[ReleaseRecord]]
    ) -> None:
        self.calls, self.environment, self._records = calls, environment, records
        self.services, self.revisions = Services(calls, environment), Revisions(calls)

    @cached_property
    def references(self) -> References:
        return references.read(self.calls, self.environment)

    @cached_property
    def autoscaled(self) -> frozenset[str]:
        """Names of services whose number of tasks is not ours."""
        return self.calls.scaled([self.services.name_of(process) for process in ("", *sorted(self.processes))])

    @property
    def processes(self) -> Collection[str]:
        """Names in the inventory, and in any record: a process that was removed may still run."""
        recorded = {str(kept.get("process", "")) for record in self._records() for kept in record.objects}
        return (recorded | set(self.environment.processes)) - {""}

    def live(self) -> Live:
        return self.services.read(self.processes)

    def wanted(self, spec: ReleaseSpec, live: Live) -> tuple[Wanted, ...]:
        """Return the parts of the release, each with its revision if it is registered."""
        if spec.again:
            return self.recorded(spec.again, live)
        env, values = self.environment, self.references.values
        made = [Wanted(definition.render(spec, env, values), env.replicas)]
        for name, process in sorted(env.processes.items()):
            rendered = definition.render_process(spec, env, values, name)
            made.append(Wanted(rendered, process.replicas, process=name, schedule=process.schedule or ""))
        return self.known(made, live)

    def recorded(self, record: ReleaseRecord, live: Live) -> tuple[Wanted, ...]:
        return self.known([from_kept(kept) for kept in record.objects], live)

    def known(self, made: Sequence[Wanted], live: Live) -> tuple[Wanted, ...]:
        """Return them with their revisions, and without a number that auto scaling sets."""
        return tuple(
            self.revisions.with_revision(
                replace(item, replicas=None) if self.services.name_of(item.process) in self.autoscaled else item,
                live.revision(item),
            )
            for item in made
        )

    def registered(self, spec: ReleaseSpec, live: Live) -> tuple[Wanted, ...]:
        return tuple(map(self.revisions.registered, self.wanted(spec, live)))

    def put_back(self, record: ReleaseRecord) -> None:
        live = self.live()
        self.services.put(live, tuple(map(self.revisions.registered, self.recorded(record, live))))

    def running(self) -> Definition:
        """Return the task definition of the service; empty without one."""
        revision = self.services.web().revision
        return self.revisions.read(revision)[0] if revision else {}
