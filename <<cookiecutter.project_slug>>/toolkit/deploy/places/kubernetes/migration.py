"""The migration's Job: started once, watched to its end, replaced when it has ended before."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import Exit, Failed, Failure, fail
from toolkit.deploy.places.kubernetes import evidence
from toolkit.deploy.places.kubernetes.apply import look
from toolkit.deploy.places.kubernetes.client import MANAGER
from toolkit.deploy.places.kubernetes.exit_reasons import migration_reason
from toolkit.deploy.places.kubernetes.pod_failures import condition, container_of, creation_sign, terminated
from toolkit.deploy.places.kubernetes.pod_verdict import Memory, classify

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.objects import Object
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace

API = "batch/v1"
CONTAINER = "migrate"  # the other containers are sidecars, which may never end
POLL_SECONDS = 1.0
LOG_ATTEMPTS = 5


@dataclass(frozen=True)
class StartedJob:
    place: KubernetesPlace
    job: Object

    def wait(self) -> None:
        """Run the migration. Raises Failed with the Job's last lines (MIGRATION_FAILED, ...) or its pod's failure."""
        wait(self.place, self.job)


def start(place: KubernetesPlace, job: Object) -> Object:
    """Apply the Job: adopt a running one, replace one that has ended, wait for one that is being deleted.

    An apply to a Job being deleted is silently accepted, and without Foreground two migrations ran at once.
    """
    name, deadline = job["metadata"]["name"], time.monotonic() + place.environment.migration_seconds
    while time.monotonic() < deadline:
        live = place.cluster.get(API, "Job", name)
        if live is None:
            return place.cluster.apply(job)
        if live["metadata"].get("deletionTimestamp"):
            time.sleep(POLL_SECONDS)
        elif _ended(live) or not look(place.cluster, [job], MANAGER)[0].same:
            evidence.save_job(place, live)
            place.cluster.delete(API, "Job", name, propagation="Foreground")
        else:
            return live
    raise fail(
        "MIGRATION_TIMEOUT",
        f"the old Job/{name} was not deleted in time",
        hint=f"kubectl describe job {name}",
        exit=Exit.TIMEOUT,
    )


def wait(place: KubernetesPlace, job: Object) -> None:
    """Wait until the container `migrate` has succeeded. Raises Failed with the reason if it failed or cannot start."""
    name, uid = job["metadata"]["name"], job["metadata"]["uid"]
    began, memory, graces = time.monotonic(), Memory(), place.environment.graces
    while True:
        place.require_lock()
        live = place.cluster.get(API, "Job", name)
        if live is None:
            raise fail("MIGRATION_FAILED", f"Job/{name} was deleted while running", hint="deploy again")
        pods = place.cluster.list("v1", "Pod", f"batch.kubernetes.io/controller-uid={uid}")
        ended = next((state for pod in pods if (state := _ended_container(pod))), None)
        if (ended and ended["exitCode"] == 0) or (not ended and _is(live, "Complete")):
            _stop_sidecars(place, live, pods)
            return
        if ended or _is(live, "Failed", "FailureTarget"):
            failure = _failure(place, live, pods)
            _stop_sidecars(place, live, pods)
            raise Failed(failure)
        events = place.cluster.list("v1", "Event")
        refused = [] if pods else [creation_sign(events, uid, graces)]
        verdict = classify(pods, events, time.monotonic() - began, memory, graces, list(filter(None, refused)))
        memory = verdict.memory
        failure = verdict.failure()
        if not failure and time.monotonic() - began > place.environment.migration_seconds:
            failure = _timeout(place, live, pods, events, verdict.waiting)
        if failure:
            evidence.save_job(place, live)
            place.cluster.delete(API, "Job", name, propagation="Foreground")
            raise Failed(failure)
        text = evidence.last_line(place, pods[0], CONTAINER) if pods and not verdict.waiting else verdict.waiting
        place.report.progress("migrate", text or "starting")
        time.sleep(POLL_SECONDS)


def _failure(place: KubernetesPlace, job: Object, pods: list[Object]) -> Failure:
    lines = _lines(place, job, pods)
    folder, name = evidence.save_job(place, job), job["metadata"]["name"]
    pod = pods[0] if pods else {}
    ended = _ended_container(pod) or {}
    reason = migration_reason(ended, pod, lines)
    code = (f"exit code {ended['exitCode']}",) if "exitCode" in ended else ()
    message = ": ".join(filter(None, (f"Job/{name} failed", reason.message)))
    return Failure(reason.code, message, (*code, *lines, f"evidence: {folder}"), reason.hint)


def _timeout(place: KubernetesPlace, job: Object, pods: list[Object], events: list[Object], waiting: str) -> Failure:
    lines, folder, name = (
        evidence.log_of(place, pods, container=CONTAINER),
        evidence.save_job(place, job),
        job["metadata"]["name"],
    )
    uids = {job["metadata"]["uid"], *(pod["metadata"]["uid"] for pod in pods)}
    warnings = [
        f"event {event.get('reason')}: {str(event.get('message', ''))[:300]}"
        for event in events
        if event.get("type") == "Warning" and event.get("involvedObject", {}).get("uid") in uids
    ]
    observed = (*([waiting] if waiting else []), *lines, *warnings[-1:], f"evidence: {folder}")
    message = f"Job/{name} did not end within {place.environment.migration_seconds} s"
    hint = "find out what it is waiting for, or raise `migration_seconds` in deploy/inventory.yaml; then deploy again"
    return Failure("MIGRATION_TIMEOUT", message, observed, hint)


def _lines(place: KubernetesPlace, job: Object, pods: list[Object]) -> tuple[str, ...]:
    """Return the last lines of the migration; a busy kubelet has them only a moment after the pod has failed."""
    for _ in range(LOG_ATTEMPTS):
        if lines := evidence.log_of(place, pods, container=CONTAINER):
            return lines
        time.sleep(POLL_SECONDS)
        selector = f"batch.kubernetes.io/controller-uid={job['metadata']['uid']}"
        pods = place.cluster.list("v1", "Pod", selector)
    return evidence.log_of(place, pods, container=CONTAINER)


def _stop_sidecars(place: KubernetesPlace, job: Object, pods: list[Object]) -> None:
    """End a Job whose pod would keep running without its migration until the Job's deadline."""
    going_on = [
        status
        for pod in pods
        for status in pod.get("status", {}).get("containerStatuses", ())
        if status["name"] != CONTAINER and not terminated(status)
    ]
    if going_on:
        evidence.save_job(place, job)
        place.cluster.delete(API, "Job", job["metadata"]["name"], propagation="Background")


def _ended_container(pod: Object) -> Mapping[str, Any] | None:
    """Return the `terminated` state of the container `migrate`; None while it is running."""
    status = container_of(pod, CONTAINER)
    return (status and status.get("state", {}).get("terminated")) or None


def _ended(job: Object) -> bool:
    return _is(job, "Complete", "Failed", "FailureTarget")


def _is(job: Object, *kinds: str) -> bool:
    return any(condition(job, kind).get("status") == "True" for kind in kinds)
