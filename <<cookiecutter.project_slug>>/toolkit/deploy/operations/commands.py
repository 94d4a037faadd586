"""Functions behind the tasks of daily operations, each with its exit code; the same on every place."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.interrupts import Interrupted, Signals
from toolkit.deploy.operations.watched import watched
from toolkit.deploy.outcomes import Change, Exit, Plan, Result, Status, fail
from toolkit.deploy.places.choose import operations_of
from toolkit.deploy.release.history import record_operation, run_url
from toolkit.deploy.targets import guarded, with_target
from toolkit.dev.questions import ask, can_answer
from toolkit.exit_codes import SIGNALLED

if TYPE_CHECKING:
    from toolkit.deploy.places.operations import Operations
    from toolkit.deploy.release.state import Target


def run(project: Path, name: str, extra: Sequence[str], command: Sequence[str]) -> int:
    """Run a command once in the released image, and return its exit code; 6 with a failure page if it cannot start."""

    def show(line: str) -> None:
        print(line, flush=True)

    if not command:
        return _refused("NO_COMMAND", "no command is given", f"python3 tasks.py run {name} -- COMMAND")
    return _with_operations(project, name, extra, lambda _, operations: operations.run(command, show))


def shell(project: Path, name: str, extra: Sequence[str]) -> int:
    """Open a shell in an instance of its own: a slip there stops no instance that serves."""
    if not can_answer():
        return _refused("NO_TERMINAL", "a shell needs a terminal", f"python3 tasks.py run {name} -- COMMAND")
    return _with_operations(project, name, extra, lambda _, operations: operations.shell())


def connect(project: Path, name: str, extra: Sequence[str], what: str, port: int) -> int:
    """Open a tunnel to the service's database until Ctrl-C, and print the command that uses it."""
    from toolkit.deploy.operations.psql import credentials

    def hold(target: Target, operations: Operations) -> int:
        target.report.progress("connect", f"to the database of {name}")
        with operations.database(port) as tunnel, credentials(tunnel) as line:
            print(f"{line}\nThe tunnel is open until Ctrl-C.", flush=True)
            while tunnel.alive():
                time.sleep(1)
        hint = f"run `python3 tasks.py connect {name} db` again"
        raise fail("TUNNEL_LOST", "the connection was lost; the last lines above have the reason", hint=hint)

    if what != "db":
        hint = f"python3 tasks.py connect {name} db"
        return _refused("UNKNOWN_PART", f"{what!r} is not a part of the environment that has a tunnel", hint)
    return _with_operations(project, name, extra, hold)


def restart(project: Path, name: str, extra: Sequence[str], *, yes: bool) -> int:
    """Replace every instance, one after another, with the variables as they are now."""

    def begin(target: Target, operations: Operations) -> int:
        plan = Plan((Change("restart", f"every instance of {target.service}"),))
        return watched(target, "restart", plan, operations.restart, "restarted", "")

    return _with_operations(project, name, extra, begin, yes=yes)


def scale(project: Path, name: str, extra: Sequence[str], number: str, *, process: str, yes: bool) -> int:
    """Run so many instances until the next deploy, which sets the number of the inventory again."""

    def begin(target: Target, operations: Operations) -> int:
        kept, where = _inventory_count(target, process)
        if not process and (owner := operations.autoscaler()):
            hint = f"set `autoscale.min` and `autoscale.max` in deploy/inventory.yaml, then deploy {name}"
            raise fail("AUTOSCALED", f"the number of instances is set by {owner}", hint=hint)
        what = process or target.service
        plan = Plan((Change("scale", f"{what} to {count}"),))
        idle = not (process or count)
        code = watched(
            target, "scale", plan, lambda: operations.scale(count, process), "scaled", f"{what} to {count}", idle=idle
        )
        if not code and kept != count:
            end = ";" if count else ""
            target.report.note(f"deploy/inventory.yaml has `{where}: {kept}`, which the next deploy sets again{end}")
            if count:
                target.report.note(f"to keep {count}, set `{where}: {count}` under `{name}:`")
        return code

    if not number.isdecimal():
        return _refused("INVALID_COUNT", f"{number!r} is not a number of instances", f"python3 tasks.py scale {name} 2")
    count = int(number)
    return _with_operations(project, name, extra, begin, yes=yes)


def _inventory_count(target: Target, process: str) -> tuple[int, str]:
    """Return the number in the inventory, and its key. Raises Failed NO_SUCH_PROCESS, SCHEDULED."""
    if not process:
        return target.environment.replicas, "replicas"
    found = target.environment.processes.get(process)
    if found is None:
        known = ", ".join(sorted(target.environment.processes)) or "none"
        hint = "name one of them with --process, or leave it out for the service itself"
        raise fail("NO_SUCH_PROCESS", f"the inventory has no process {process!r}", f"processes: {known}", hint=hint)
    if found.schedule:
        hint = f"python3 tasks.py run {target.environment.name} -- {' '.join(found.command)}"
        raise fail("SCHEDULED", f"{process} runs on a schedule, so it has no instances", hint=hint)
    return found.replicas, f"processes.{process}.replicas"


def set_secret(project: Path, name: str, extra: Sequence[str], key: str) -> int:
    """Store the value from the standard input; running instances keep theirs until they are replaced."""

    def store(target: Target, operations: Operations) -> int:
        with target.place.explained():
            summary = operations.set_secret(key, value)
        target.report.note(summary)
        record_operation(target, "secret_set", key)
        target.report.note(f"instances that run keep the old value: `python3 tasks.py restart {name}` replaces them")
        return Exit.OK

    hint = f'printf %s "$VALUE" | python3 tasks.py secrets.set {name} {key}'
    value = _read_secret(key)
    if not value:
        return _refused("NO_VALUE", f"the standard input has no value for {key}", hint)
    return _with_operations(project, name, extra, store)


def remove(project: Path, name: str, extra: Sequence[str], *, yes: str, database: bool) -> int:
    """Delete the service from the environment, after a list of what is deleted and a confirmation by its name."""

    def delete(target: Target, operations: Operations) -> int:
        report = target.report
        report.play(f"remove {target.service} from {name} ({target.place.name})")
        with target.place.reading():
            plan = operations.removal(database=database)
        report.plan("remove", plan, diff=False)
        if plan.note:
            report.note(plan.note)
        if not plan.changes:
            return report.end(Exit.OK)
        typed = yes or ask(f"Delete this? Type {name} to continue: ")
        if typed != name:
            hint = f"type `{name}` at a terminal, or pass --yes {name}"
            raise fail("NOT_CONFIRMED", "the removal was not confirmed: nothing was changed", hint=hint)
        began = time.monotonic()
        with target.place.lock(run_url()), target.place.explained():
            operations.remove(plan)
        report.result(Result("remove", Status.CHANGED, time.monotonic() - began, f"{len(plan.changes)} deleted"))
        return report.end(Exit.OK)

    return _with_operations(project, name, extra, delete)


def _with_operations(
    project: Path,
    name: str,
    extra: Sequence[str],
    act: Callable[[Target, Operations], int],
    *,
    yes: bool = False,
) -> int:
    """Act on the environment. Ctrl-C and SIGTERM end the operation after its clean-up, with 128 + signal."""

    def begin(target: Target) -> int:
        try:
            with Signals(), target.place.explained():
                return act(target, operations_of(target.place, target.environment))
        except Interrupted as interrupt:
            return SIGNALLED + interrupt.number

    return with_target(project, name, extra, {"yes": yes}, begin)


def _refused(code: str, message: str, hint: str) -> int:
    def refuse() -> int:
        raise fail(code, message, hint=hint)

    return guarded(refuse)


def _read_secret(key: str) -> str:
    """Return what is typed at a terminal, without an echo; else the standard input without its last newline."""
    if can_answer():
        import getpass

        return getpass.getpass(f"{key}: ")
    text = sys.stdin.read() if sys.stdin else ""
    return text.removesuffix("\n").removesuffix("\r")
