"""Executions of Jobs: started once, followed to their end, their exit code and last lines."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.azure.ended import Ended, failure
from toolkit.deploy.places.containerapps import jobs, references, render, verdict

if TYPE_CHECKING:
    from toolkit.deploy.places.azure.client import Object
    from toolkit.deploy.places.containerapps.place import ContainerAppsPlace
    from toolkit.deploy.spec import ReleaseSpec

POLL_SECONDS = 1.0
# After the time limit of the Job itself, which the platform enforces.
MARGIN_SECONDS = 60
SUCCEEDED, ENDED = "Succeeded", frozenset({"Succeeded", "Failed", "Stopped", "Degraded"})


@dataclass(frozen=True)
class Migration:
    """A started migration."""

    place: ContainerAppsPlace
    job: str
    name: str

    def wait(self) -> None:
        """Wait for its success. Raises Failed with the reason and its last lines."""
        ended = follow(self.place, self.job, self.name, "migrate", self.place.environment.migration_seconds)
        if ended.succeeded:
            return
        lines = self.place.connection.logs.as_evidence(self.name, execution=True)
        raise failure(ended, "execution", lines)


def start_migration(place: ContainerAppsPlace, spec: ReleaseSpec) -> Migration:
    """Start it, or adopt the one that a killed deployer has started from the same image."""
    env, app, name = place.environment, place.app, place.migration_job
    for found in app.executions(name):
        if is_running(found) and image_of(found) == spec.image:
            return Migration(place, name, str(found["name"]))
    versions = place.connection.secrets.by_variable
    made = {**render.container(spec, env, versions), "args": ["migrate"]}
    secrets = references.secrets(env, versions)
    app.write_job(name, jobs.job(made, env, secrets, app.location, env.migration_seconds))
    return Migration(place, name, app.start_job(name))


def follow(place: ContainerAppsPlace, job: str, name: str, step: str, limit: float) -> Ended:
    """Wait until an execution ends. `step`: of the report; empty for a command, whose output is its own."""
    began = time.monotonic()
    while True:
        place.require_lock()
        found = place.app.execution(job, name)
        if found is None:
            raise fail("RUN_LOST", f"execution {name} was deleted while it was running", hint="run it again")
        status, waited = status_of(found), time.monotonic() - began
        if status == SUCCEEDED:
            return Ended(name, True, 0)
        if status in ENDED:
            events = tuple(place.connection.logs.awaited(lambda: place.connection.logs.events(name, execution=True)))
            return Ended(name, False, verdict.exit_code_of(events), events, late=waited >= limit)
        if waited > limit + MARGIN_SECONDS:
            hint = "find out what it is waiting for, or raise `migration_seconds`; then deploy again"
            raise fail("MIGRATION_TIMEOUT", f"execution {name} did not end within {limit:.0f} s", hint=hint)
        if step:
            place.report.progress(step, f"execution {name}, {waited:.0f} s")
        time.sleep(POLL_SECONDS)


def status_of(execution: Object) -> str:
    return str((execution.get("properties") or {}).get("status") or "")


def is_running(execution: Object) -> bool:
    return status_of(execution) not in ENDED


def image_of(execution: Object) -> str:
    template = (execution.get("properties") or {}).get("template") or {}
    return str((template.get("containers") or [{}])[0].get("image") or "")
