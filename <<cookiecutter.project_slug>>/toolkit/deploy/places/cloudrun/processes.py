"""Scheduled commands: a Job each, with the release's image. Cloud Scheduler, which the project owns, starts them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, fail
from toolkit.deploy.places.cloudrun import render, state
from toolkit.deploy.places.cloudrun.errors import WriteConflict
from toolkit.deploy.places.traffic.names import content_hash
from toolkit.deploy.places.values import Process

if TYPE_CHECKING:
    from toolkit.deploy.inventory.cloudrun import CloudRunEnvironment
    from toolkit.deploy.places.cloudrun.client import Object
    from toolkit.deploy.places.cloudrun.service import RunService
    from toolkit.deploy.records import Kept

PROCESS, HASH = "deploy/process", "deploy/hash"
TRIES = 8


def wanted(web: Kept, env: CloudRunEnvironment) -> tuple[Kept, ...]:
    """Return the Jobs of a release. Pure."""
    return tuple(
        {"kind": "Job", "process": name, "spec": render.process_job(web, env, process)}
        for name, process in sorted(env.processes.items())
    )


def changes(service: str, live: Sequence[Object], jobs: Sequence[Kept]) -> list[Change]:
    """Return what makes the Jobs those of the release. Pure."""
    now = {name: annotations_of(item).get(HASH) for item in live if (name := annotations_of(item).get(PROCESS))}
    found = []
    for job in jobs:
        name = render.job_name(service, job["process"])
        if job["process"] not in now:
            found.append(Change("create", f"Job {name}"))
        elif now[job["process"]] != _hash(job):
            found.append(Change("update", f"Job {name}"))
    gone = sorted(set(now) - {job["process"] for job in jobs})
    return found + [Change("delete", f"Job {render.job_name(service, name)}") for name in gone]


def apply(run: RunService, jobs: Sequence[Kept]) -> None:
    planned = {change.what for change in changes(run.name, run.jobs(), jobs)}
    for job in jobs:
        name = render.job_name(run.name, job["process"])
        if f"Job {name}" in planned:
            _put(run, name, job)
            planned.remove(f"Job {name}")
    for what in planned:
        run.delete_job(what.removeprefix("Job "))


def status(run: RunService, env: CloudRunEnvironment) -> tuple[Process, ...]:
    """Return each scheduled command with its last execution."""
    return tuple(_status(run, name, process.schedule or "") for name, process in sorted(env.processes.items()))


def _status(run: RunService, name: str, schedule: str) -> Process:
    last = next(iter(run.executions(render.job_name(run.name, name))), None)
    if last is None:
        return Process(name, ok=True, summary=f"{schedule}, not started yet (by Cloud Scheduler: docs/cloudrun.md)")
    done = state.conditions(last).get("Completed", state.Condition())
    result = {state.TRUE: "succeeded", state.FALSE: "failed"}.get(done.status, "running")
    return Process(name, done.status != state.FALSE, f"{schedule}, {last['metadata']['name']} {result}")


def _put(run: RunService, name: str, job: Kept) -> None:
    for _ in range(TRIES):
        live = run.job(name)
        marks = {**annotations_of(live or {}), PROCESS: str(job["process"]), HASH: _hash(job)}
        try:
            run.write_job(name, live, run.job_body(name, live, job["spec"], marks))
        except WriteConflict:
            time.sleep(0.2)
        else:
            return
    raise fail("CHANGED_BY_OTHERS", f"Job {name} is changed by others all the time", hint="run the same command again")


def annotations_of(job: Object) -> dict[str, str]:
    return dict((job.get("metadata") or {}).get("annotations") or {})


def _hash(job: Kept) -> str:
    return content_hash(job["spec"])
