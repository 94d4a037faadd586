"""The end of a release: the old instances have ended, the new ones stay healthy."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.machine import containers, processes, verdict
from toolkit.deploy.places.machine.plan import plan
from toolkit.deploy.places.machine.rollout import failure_of

if TYPE_CHECKING:
    from toolkit.deploy.places.machine.host import Machine
    from toolkit.deploy.places.machine.place import MachinePlace
    from toolkit.deploy.places.machine.plan import Wanted

POLL_SECONDS = 0.5


def hold(place: MachinePlace, wanted: Wanted, seconds: float, stable: float) -> str:
    """Wait, and return a summary. Raises Failed with a verdict."""
    began, good_since = time.monotonic(), None
    # An instance of an earlier release may have restarted long ago: only later restarts count.
    before = {
        item.id: 0 if item.name in place.started else item.restarts
        for machine in place.machines
        for item in machine.state().instances
    }
    while True:
        place.require_lock()
        old = 0
        for machine in place.machines:
            machine.state().told(place.report)
            waited, mine = time.monotonic() - began, place.on(machine, wanted)
            old += _settle(place, machine, mine, waited, before) + _settle_processes(
                place, machine, mine, waited, before
            )
        missing = [
            machine.name for machine in place.machines if not plan(machine.state(), place.on(machine, wanted)).complete
        ]
        now = time.monotonic()
        if missing:
            good_since = None
            if now - began > seconds:
                found = verdict.Verdict(
                    "NOT_READY", f"not complete on {', '.join(missing)}", "see the containers' logs"
                )
                raise Failed(
                    failure_of(place, place.machines[0], containers.name_of(place.project_name, "blue", 1), found)
                )
        else:
            good_since = good_since or now
            if now - good_since >= stable and not old:
                return _summary(place, wanted)
            place.report.progress("rollout", f"held {now - good_since:.0f} of {stable:.0f} s, {old} draining")
        time.sleep(POLL_SECONDS)


def _settle(place: MachinePlace, machine: Machine, wanted: Wanted, waited: float, before: Mapping[str, int]) -> int:
    """Take ended instances out of the proxy's network; return how many old ones still run."""
    left = 0
    for instance in machine.state().routed:
        if wanted.has(instance) and instance.policy != "no":  # one that was told to end is no crash
            if instance.status != "running" or instance.restarts > before.get(instance.id, 0):
                raise Failed(failure_of(place, machine, instance.name, verdict.ended(instance)))
        elif instance.running:
            left += 1
            if waited > place.environment.termination_grace:
                machine.engine.signal(instance.name, "SIGKILL")
        else:
            machine.engine.disconnect(instance.name, containers.edge(machine.project))
    return left


def _settle_processes(
    place: MachinePlace, machine: Machine, wanted: Wanted, waited: float, before: Mapping[str, int]
) -> int:
    """Remove old containers that have ended; return how many still work. Raises Failed with a verdict on a new one."""
    left = 0
    for item in processes.plan(machine.state(), wanted):
        for live in item.right:
            if not live.running or live.restarts > before.get(live.id, 0):
                raise Failed(failure_of(place, machine, live.name, verdict.ended(live)))
        for live in item.old:
            left += 1
            if waited > float(processes.spec_of(live).get("grace", 0)):
                machine.engine.signal(live.name, "SIGKILL")
        for live in item.gone:
            # The log of a scheduler has the outcome of its last run.
            if item.wanted is None or not processes.spec_of(live).get("schedule"):
                machine.engine.remove(live.name)
    return left


def _summary(place: MachinePlace, wanted: Wanted) -> str:
    several = f" on each of {len(place.machines)} hosts" if len(place.machines) > 1 else ""
    others = processes.states(place.machines, wanted.processes)
    lines = [f"{wanted.replicas} of {wanted.replicas} ready{several}", *(f"{s.name} {s.summary}" for s in others)]
    return ", ".join(lines)
