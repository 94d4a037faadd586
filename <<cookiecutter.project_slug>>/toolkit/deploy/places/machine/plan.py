"""Changes that a release makes on a host. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change
from toolkit.deploy.places.machine import containers, processes, proxy
from toolkit.deploy.places.machine.engine import SLOT, SPEC

if TYPE_CHECKING:
    from toolkit.deploy.places.machine.engine import Instance
    from toolkit.deploy.places.machine.host import State
    from toolkit.deploy.places.machine.processes import ProcessPlan
    from toolkit.deploy.records import Kept


@dataclass(frozen=True)
class Wanted:
    """`web`: the instances' specification; `proxy`: the hash of the proxy's.

    `processes`: the specifications of the further ones; a host without the schedules gets its own `Wanted`.
    `replaced`: ids of instances that a restart replaces, although they are of this release.
    """

    web: Kept
    proxy: str
    processes: tuple[Kept, ...] = ()
    replaced: frozenset[str] = frozenset()

    @property
    def hash(self) -> str:
        return containers.hash_of(self.web)

    @property
    def replicas(self) -> int:
        return int(self.web["replicas"])

    @property
    def without_schedules(self) -> Wanted:
        return replace(self, processes=tuple(item for item in self.processes if not item["schedule"]))

    def has(self, instance: Instance) -> bool:
        return instance.hash == self.hash and instance.id not in self.replaced


@dataclass(frozen=True)
class HostPlan:
    """`right`: instances that stay. `slots`: those to start, of `colour`. `old`: instances to stop."""

    networks: tuple[str, ...]
    proxy: str  # create, update, start, or empty
    colour: str
    right: tuple[Instance, ...]
    slots: tuple[int, ...]
    old: tuple[Instance, ...]
    processes: tuple[ProcessPlan, ...] = ()

    @property
    def complete(self) -> bool:
        """Nothing is missing; old ones may still drain."""
        return not self.slots and not any(item.missing for item in self.processes)

    @property
    def only(self) -> bool:
        """Nothing but the release runs."""
        return self.complete and not self.old and all(item.only for item in self.processes)


def plan(state: State, wanted: Wanted) -> HostPlan:
    """Compare a host with the release."""
    needed = (state.project, containers.edge(state.project))
    # One that drains ends soon, whatever its release is.
    serving = [item for item in state.serving if item.status == "running" and item.policy != "no"]
    right = [item for item in serving if wanted.has(item)]
    # After a killed deploy both colours may serve the same release: the newer one stays.
    colour = max(right, key=lambda item: item.started_at).colour if right else ""
    right = [item for item in right if item.colour == colour and 0 < slot_of(item) <= wanted.replicas]
    if not colour:
        colour = containers.other(serving[0].colour if serving else "")
    have = {slot_of(item) for item in right}
    return HostPlan(
        tuple(name for name in needed if name not in state.networks),
        _proxy(state.proxy, wanted.proxy),
        colour,
        tuple(right),
        tuple(slot for slot in range(1, wanted.replicas + 1) if slot not in have),
        tuple(item for item in state.serving if item not in right),
        tuple(processes.plan(state, wanted)),
    )


def _proxy(live: Instance | None, hash_: str) -> str:
    if live is None:
        return "create"
    if live.hash != hash_:
        return "update"
    return "" if live.running else "start"


def changes(state: State, wanted: Wanted) -> Sequence[Change]:
    """Return what `plan` does, for people."""
    made, where = plan(state, wanted), f"on {state.host}"
    before = next((item.labels.get(SPEC, "") for item in (*made.right, *made.old)), "")
    found = [Change("create", f"network {name} {where}") for name in made.networks]
    if made.proxy:
        found.append(Change(made.proxy, f"container {proxy.name(state.project)} {where}"))
    lines = containers.diff(before, wanted.web)
    for slot in made.slots:
        name = containers.name_of(state.project, made.colour, slot)
        kept = any(item.name == name and is_kept(item, state.project, wanted) for item in state.web)
        found.append(Change("start" if kept else "create", f"container {name} {where}", lines))
    found += [Change("stop", f"container {item.name} {where}") for item in made.old]
    return [*found, *processes.changes(state, wanted)]


def is_kept(instance: Instance, project: str, wanted: Wanted) -> bool:
    """Return True for a container of the same release that served before and has ended."""
    ended = instance.status == "exited" and not instance.exit_code
    return ended and wanted.has(instance) and containers.edge(project) not in instance.addresses


def slot_of(instance: Instance) -> int:
    return int(instance.labels.get(SLOT, "0") or 0)
