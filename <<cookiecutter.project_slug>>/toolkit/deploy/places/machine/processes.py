"""Further processes of the service's image on a host: workers, and a scheduler for each command with a schedule.

New ones start beside the old ones, which end when the new instances of the service have taken over. A scheduler that
was told to end leaves its running command to the end, and nothing waits for it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.deploy import scheduler
from toolkit.deploy.outcomes import Change
from toolkit.deploy.places.machine import containers
from toolkit.deploy.places.machine.engine import DIGEST, HASH, PROCESS, PROJECT, ROLE, SPEC
from toolkit.deploy.places.values import Process

if TYPE_CHECKING:
    from toolkit.deploy.inventory.machine import MachineEnvironment
    from toolkit.deploy.places.machine.engine import Instance
    from toolkit.deploy.places.machine.host import Machine, State
    from toolkit.deploy.places.machine.plan import Wanted
    from toolkit.deploy.records import Kept
    from toolkit.deploy.spec import ReleaseSpec

LOG_LINES = 1000


@dataclass(frozen=True)
class ProcessPlan:
    """`right`: containers that stay. `missing`: number of those to start. `old`: to stop; `gone`: have ended."""

    name: str
    wanted: Kept | None
    right: tuple[Instance, ...]
    missing: int
    old: tuple[Instance, ...]
    gone: tuple[Instance, ...]

    @property
    def only(self) -> bool:
        """Every container runs, and no old one."""
        return not self.old and all(item.running for item in self.right)


def specifications(
    spec: ReleaseSpec, environment: MachineEnvironment, made: Mapping[str, str] | None = None
) -> tuple[Kept, ...]:
    """Return the specification of each process, by name; those of the record for a rollback."""
    if spec.again:
        return tuple(dict(item) for item in spec.again.objects if item["kind"] == containers.PROCESS)
    web = containers.web(spec, environment, made)
    found = []
    for name, given in sorted(environment.processes.items()):
        resources = given.resources or environment.resources
        found.append(
            {
                **{key: web[key] for key in ("image", "digest", "environment", "secrets")},
                "kind": containers.PROCESS,
                "name": name,
                "command": list(given.command),
                "schedule": given.schedule or "",
                "limit": given.limit_seconds if given.schedule else 0,
                "replicas": 1 if given.schedule else given.replicas,
                "memory": resources.memory_limit,
                "cpu": resources.cpu_limit,
                "grace": given.grace_seconds,
            }
        )
    return tuple(found)


def plan(state: State, wanted: Wanted) -> list[ProcessPlan]:
    """Compare the processes of a host with the release. Pure."""
    by_name = {str(item["name"]): item for item in wanted.processes}
    names = {*by_name, *(item.process for item in state.processes)}
    return [_plan(name, by_name.get(name), state.processes, wanted.replaced) for name in sorted(names)]


def _plan(name: str, given: Kept | None, found: Sequence[Instance], replaced: Collection[str]) -> ProcessPlan:
    mine = [item for item in found if item.process == name]
    live = [item for item in mine if item.status in ("running", "restarting")]
    hash_, count = (containers.hash_of(given), int(given["replicas"])) if given else ("", 0)
    right = [item for item in live if item.hash == hash_ and item.policy != "no" and item.id not in replaced]
    right = sorted(right, key=lambda item: item.started_at, reverse=True)[:count]
    old = [item for item in live if item not in right and not ends_alone(item)]
    gone = [item for item in mine if item not in live]
    return ProcessPlan(name, given, tuple(right), count - len(right), tuple(old), tuple(gone))


def ends_alone(item: Instance) -> bool:
    """Return True for a scheduler that was told to end, and may wait for its command. Pure."""
    return item.policy == "no" and bool(spec_of(item).get("schedule"))


def spec_of(item: Instance) -> Kept:
    found: Kept = json.loads(item.labels.get(SPEC, "{}"))
    return found


def changes(state: State, wanted: Wanted) -> list[Change]:
    """Return what `begin` and `stop` do, for people. Pure."""
    found, where = [], f"on {state.host}"
    for item in plan(state, wanted):
        before = next((live.labels.get(SPEC, "") for live in (*item.right, *item.old)), "")
        if item.missing and item.wanted:
            number = f"{item.missing} of process" if item.missing > 1 else "process"
            found.append(Change("start", f"{number} {item.name} {where}", containers.diff(before, item.wanted)))
        found += [Change("stop", f"container {live.name} {where}") for live in item.old]
    return found


def arguments(
    project: str, name: str, wanted: Kept, values: Mapping[str, str], last: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """Return the engine's arguments. `last`: the outcome of the last run, which a new scheduler reports on. Pure."""
    given = containers.common_arguments(project, str(wanted["name"]), wanted, values)
    command = [str(part) for part in wanted["command"]]
    if schedule := str(wanted["schedule"]):
        command = scheduler.command(schedule, int(wanted["limit"]), json.dumps(last) if last else "", command)
    labels = {
        PROJECT: project,
        ROLE: containers.PROCESS,
        PROCESS: str(wanted["name"]),
        HASH: containers.hash_of(wanted),
        DIGEST: str(wanted["digest"]),
        SPEC: containers.spec_text(wanted),
    }
    host = {**given["host"], "restart_policy": {"Name": "unless-stopped"}}
    return {**given, "host": host, "name": name, "labels": labels, "entrypoint": command, "stop_signal": "SIGTERM"}


def begin(machine: Machine, found: Sequence[ProcessPlan]) -> list[str]:
    """Start what is missing. Returns the names of the new containers."""
    started = []
    for item in found:
        if not item.missing or item.wanted is None:
            continue
        last = last_outcome(machine, item.name) if item.wanted["schedule"] else None
        values = machine.secrets(str(item.wanted["secrets"]))
        for _ in range(item.missing):
            name = f"{machine.project}-{item.name}-{secrets.token_hex(3)}"
            machine.engine.create(arguments(machine.project, name, item.wanted, values, last))
            machine.engine.start(name)
            started.append(name)
    return started


def stop(machine: Machine, found: Sequence[ProcessPlan]) -> None:
    """Tell the old ones to end. Remove those that have ended, once a new scheduler has got their outcome."""
    for item in found:
        for live in item.old:
            if live.status == "restarting":
                machine.engine.remove(live.name)
            else:
                tell(machine, live)
        for live in item.gone if item.missing or not item.wanted else ():
            machine.engine.remove(live.name)


def tell(machine: Machine, live: Instance) -> None:
    machine.engine.restart_policy(live.name, "no")
    machine.engine.signal(live.name, "SIGTERM")


def recover(machine: Machine) -> None:
    """Repeat the signal to schedulers: a killed deployer may have sent none, and they would go on beside the new."""
    for item in machine.state().processes:
        if item.running and ends_alone(item):
            machine.engine.signal(item.name, "SIGTERM")


def last_outcome(machine: Machine, name: str) -> Mapping[str, object] | None:
    """Return the newest outcome of a scheduled command, of any of its containers; None before the first."""
    mine = [item for item in machine.state().processes if item.process == name]
    found = [each for item in mine for each in scheduler.outcomes(machine.engine.logs(item.name, LOG_LINES))]
    return max(found, key=lambda each: str(each.get("at", "")), default=None)


def states(machines: Sequence[Machine], wanted: Sequence[Kept]) -> tuple[Process, ...]:
    """Return the state of each process of a release."""
    found = []
    for item in wanted:
        name, schedule, hash_ = str(item["name"]), str(item["schedule"]), containers.hash_of(item)
        hosts = machines[:1] if schedule else machines
        live = [each for machine in hosts for each in machine.state().processes if each.hash == hash_]
        asked = [each for each in live if each.policy != "no"]
        running = [each for each in asked if each.running]
        if not schedule:
            ok = len(running) == len(asked) and bool(asked or not item["replicas"])
            found.append(Process(name, ok, f"{len(running)}/{len(asked)} ready"))
        elif not running:
            found.append(Process(name, False, f"`{schedule}` is not running"))
        else:
            found.append(outcome_of(name, schedule, last_outcome(machines[0], name)))
    return tuple(found)


def outcome_of(name: str, schedule: str, last: Mapping[str, object] | None) -> Process:
    """Pure."""
    if last is None:
        return Process(name, True, f"`{schedule}` has not ended a run yet")
    if not last.get("exit"):
        return Process(name, True, f"`{schedule}` succeeded at {last.get('at')}")
    said = f": {last['last']}" if last.get("last") else ""
    return Process(name, False, f"`{schedule}` failed at {last.get('at')}, exit code {last['exit']}{said}")
