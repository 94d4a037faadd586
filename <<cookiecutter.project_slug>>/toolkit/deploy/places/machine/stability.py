"""The end of a release: the old instances have ended, the new ones stay healthy."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.machine import containers, verdict
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
    while True:
        place.require_lock()
        old = sum(_settle(place, machine, wanted, time.monotonic() - began) for machine in place.machines)
        missing = [machine.name for machine in place.machines if plan(machine.state(), wanted).slots]
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
                return f"{wanted.replicas} of {wanted.replicas} ready" + (
                    f" on each of {len(place.machines)} hosts" if len(place.machines) > 1 else ""
                )
            place.report.progress("rollout", f"held {now - good_since:.0f} of {stable:.0f} s, {old} draining")
        time.sleep(POLL_SECONDS)


def _settle(place: MachinePlace, machine: Machine, wanted: Wanted, waited: float) -> int:
    """Take ended instances out of the proxy's network; return how many old ones still run."""
    left = 0
    for instance in machine.state().routed:
        if wanted.has(instance) and instance.policy != "no":  # one that was told to end is no crash
            if instance.status != "running" or instance.restarts:
                raise Failed(failure_of(place, machine, instance.name, verdict.ended(instance)))
        elif instance.running:
            left += 1
            if waited > place.environment.termination_grace:
                machine.engine.signal(instance.name, "SIGKILL")
        else:
            machine.engine.disconnect(instance.name, containers.edge(machine.project))
    return left
