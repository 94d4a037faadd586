"""State of the service's further processes: workers, and the last run of each scheduled command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from toolkit.deploy.places.kubernetes import evidence
from toolkit.deploy.places.kubernetes.exit_reasons import OUT_OF_MEMORY
from toolkit.deploy.places.kubernetes.labels import LABEL, PROCESS_LABEL
from toolkit.deploy.places.kubernetes.pod_failures import condition, container_of, terminated
from toolkit.deploy.places.kubernetes.pods import look
from toolkit.deploy.places.values import Process

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.objects import Object
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace

CONTAINER = "app"


def states(place: KubernetesPlace) -> tuple[Process, ...]:
    """Return the state of each process of the release, by name."""
    selector = f"{LABEL}={place.service},{PROCESS_LABEL}"
    found = []
    for item in place.cluster.list("apps/v1", "Deployment", selector):
        view = look(place.cluster, item["metadata"]["name"], events=False)
        found.append(Process(item["metadata"]["labels"][PROCESS_LABEL], view.complete, view.summary))
    for item in place.cluster.list("batch/v1", "CronJob", selector):
        name, schedule = item["metadata"]["labels"][PROCESS_LABEL], item["spec"]["schedule"]
        jobs = place.cluster.list("batch/v1", "Job", f"{PROCESS_LABEL}={name}")
        last = last_run(jobs, item["metadata"]["uid"])
        if last is None:
            found.append(Process(name, True, f"`{schedule}` has not ended a run yet"))
        elif succeeded(last):
            ended = last["status"].get("completionTime", "?")
            found.append(Process(name, True, f"`{schedule}` succeeded at {ended}"))
        else:
            found.append(Process(name, False, f"`{schedule}` {failed_run(place, last)}"))
    return tuple(sorted(found, key=lambda process: process.name))


def last_run(jobs: Sequence[Object], cron: str) -> Object | None:
    """Return the newest Job of a CronJob (its uid) that has ended. Pure."""
    own = [
        job
        for job in jobs
        if any(owner["uid"] == cron for owner in job["metadata"].get("ownerReferences", ()))
        and (succeeded(job) or condition(job, "Failed").get("status") == "True")
    ]
    return max(own, key=lambda job: str(job["status"].get("startTime", "")), default=None)


def succeeded(job: Object) -> bool:
    return condition(job, "Complete").get("status") == "True"


def failed_run(place: KubernetesPlace, job: Object) -> str:
    """Return the time, the exit code and the last line of a failed run."""
    failed = condition(job, "Failed")
    pods = place.cluster.list("v1", "Pod", f"batch.kubernetes.io/controller-uid={job['metadata']['uid']}")
    status = next((status for pod in pods if (status := container_of(pod, CONTAINER))), None)
    ended = terminated(status) if status else {}
    reason = f"exit code {ended['exitCode']}" if "exitCode" in ended else str(failed.get("reason", "no pod"))
    if ended.get("reason") == "OOMKilled":
        reason = OUT_OF_MEMORY.message
    line = evidence.last_line(place, pods[0], CONTAINER) if pods else ""
    said = f": {line}" if line else ""
    return f"failed at {failed.get('lastTransitionTime', '?')}, {reason}{said}"
