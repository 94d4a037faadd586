"""Executions of Jobs: started once, followed to their end, their exit code and last lines."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, Failure, fail
from toolkit.deploy.places import migration_failures
from toolkit.deploy.places.cloudrun import render, state, verdict
from toolkit.deploy.places.traffic.verdict import KILLED
from toolkit.exit_codes import EX_CONFIG, EX_TEMPFAIL, EX_UNAVAILABLE

if TYPE_CHECKING:
    from toolkit.deploy.places.cloudrun.client import Object
    from toolkit.deploy.places.cloudrun.place import CloudRunPlace
    from toolkit.deploy.spec import ReleaseSpec

POLL_SECONDS = 1.0
# After the time limit of the Job itself, which the platform enforces.
MARGIN_SECONDS = 60


@dataclass(frozen=True)
class Ended:
    """An execution that has ended. `exit_code`: None where the container did not start."""

    name: str
    succeeded: bool
    exit_code: int | None
    reason: str = ""
    message: str = ""


@dataclass(frozen=True)
class Migration:
    """A started migration."""

    place: CloudRunPlace
    name: str

    def wait(self) -> None:
        """Wait for its success. Raises Failed with the reason and its last lines."""
        ended = follow(self.place, self.name, "migrate", self.place.environment.migration_seconds)
        if ended.succeeded:
            return
        lines = self.place.connection.logs.as_evidence(self.name, execution=True)
        code, message, hint = cause(ended, lines)
        text = ": ".join(filter(None, ("the migration failed", message)))
        exit_code = (f"exit code {ended.exit_code}",) if ended.exit_code is not None else ()
        said = (ended.message,) if ended.message and ended.exit_code is None else ()
        raise Failed(Failure(code, text, (f"execution {self.name}", *exit_code, *said, *lines), hint))


def start_migration(place: CloudRunPlace, spec: ReleaseSpec) -> Migration:
    """Start it, or adopt the one that a killed deployer has started from the same image."""
    ledger = place.connection.ledger
    for found in place.run.executions(ledger.job):
        if is_running(found) and image_of(found) == spec.image:
            return Migration(place, str(found["metadata"]["name"]))
    seconds = place.environment.migration_seconds
    ledger.set_spec(render.job(spec, place.environment, place.connection.secrets.by_variable, ["migrate"], seconds))
    return Migration(place, str(place.run.start_job(ledger.job)["metadata"]["name"]))


def follow(place: CloudRunPlace, name: str, step: str, limit: float) -> Ended:
    """Wait until an execution ends. `step`: of the report; empty for a command, whose output is its own."""
    began = time.monotonic()
    while True:
        place.require_lock()
        found = place.run.execution(name)
        if found is None:
            raise fail("RUN_LOST", f"execution {name} was deleted while it was running", hint="run it again")
        done = state.conditions(found).get("Completed", state.Condition())
        if done.status != state.UNKNOWN:
            code = place.run.exit_code(name)
            return Ended(name, done.status == state.TRUE, code, done.reason, done.message)
        waited = time.monotonic() - began
        if waited > limit + MARGIN_SECONDS:
            hint = "find out what it is waiting for, or raise `migration_seconds`; then deploy again"
            raise fail("MIGRATION_TIMEOUT", f"execution {name} did not end within {limit:.0f} s", hint=hint)
        if step:
            place.report.progress(step, f"execution {name}, {waited:.0f} s")
        time.sleep(POLL_SECONDS)


def is_running(execution: Object) -> bool:
    done = state.conditions(execution).get("Completed", state.Condition())
    return done.status == state.UNKNOWN


def image_of(execution: Object) -> str:
    containers = execution["spec"]["template"]["spec"]["containers"]
    return str(containers[0].get("image", ""))


def cause(ended: Ended, lines: tuple[str, ...]) -> tuple[str, str, str]:
    """Return code, message and hint of a migration that failed. Pure."""
    if "timeout" in ended.message.lower():
        return migration_failures.LATE
    if ended.exit_code == KILLED:
        return "OUT_OF_MEMORY", "out of memory", verdict.MEMORY
    if ended.exit_code in BY_EXIT_CODE:
        return BY_EXIT_CODE[ended.exit_code]
    if ended.exit_code is None:
        found = verdict.failed(ended.reason, ended.message)
        if found.code != "REVISION_FAILED":
            return found.code, found.message, found.hint
    return migration_failures.of_lines(lines)


BY_EXIT_CODE = {
    EX_CONFIG: migration_failures.settings_refused("the secrets"),
    EX_TEMPFAIL: migration_failures.LOCKED,
    EX_UNAVAILABLE: migration_failures.unreachable(
        "check the secret of DATABASE_URL and the way to the database (`annotations`: a VPC or Cloud SQL connection)"
    ),
    **migration_failures.START_ERRORS,
}
