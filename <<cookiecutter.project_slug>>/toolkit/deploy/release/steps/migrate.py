"""The migration step: a Job with the same image, before the release changes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolkit.deploy.image import registry
from toolkit.deploy.outcomes import UNKNOWN, Change, Exit, Failed, Failure, Outcome, Plan, fail
from toolkit.deploy.places.kubernetes import sources
from toolkit.deploy.places.kubernetes.apply import look
from toolkit.deploy.places.kubernetes.client import MANAGER
from toolkit.deploy.places.kubernetes.exit_reasons import migration_reason
from toolkit.deploy.places.kubernetes.naming import migration_in
from toolkit.deploy.places.kubernetes.objects import identity
from toolkit.deploy.places.kubernetes.pod_failures import condition, container_of, creation_sign, terminated
from toolkit.deploy.places.kubernetes.pod_verdict import Memory, classify
from toolkit.deploy.release import evidence, migrations
from toolkit.deploy.release import history as records_of

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.objects import Object
    from toolkit.deploy.release.state import Target

API = "batch/v1"
CONTAINER = "migrate"  # the other containers are sidecars, which may never end
POLL_SECONDS = 1.0
LOG_ATTEMPTS = 5


class Migrate:
    """The migration step. Compares the schema's head (of the running service or last record) with the image's label."""

    name, undoable, before_lock = "migrate", False, False

    def observe(self, target: Target) -> Any:
        if target.digest is None:
            return None
        target.image_schema = head = _head(target, target.digest)
        target.schema_before = current_schema(target)
        live = None if target.namespace_missing else target.cluster.get("apps/v1", "Deployment", target.facts.name)
        other = sources.stale(live, target.mark)
        return head, target.schema_before, migrations.pending(target.project, target.schema_before, head), other

    def plan(self, target: Target, seen: Any) -> Plan:
        """Plan. Raises Failed DESTRUCTIVE with the revisions, unless they are allowed."""
        if seen is None:
            return UNKNOWN
        head, schema, pending, other = seen
        # A Secret changed since the pods started may point to another database.
        if head and head == schema and not other:
            return Plan(note=f"schema at {head}")
        if pending.newer_than_known:
            return Plan(note=f"schema at {schema}, newer than this image's {head}")
        destructive = [revision for revision in pending.revisions if revision.destructive]
        # An empty database has no running pods to break.
        if destructive and schema and not target.options.allow_destructive:
            raise fail(
                "DESTRUCTIVE",
                "pending revisions break the running version",
                *(f"{revision.id}: {', '.join(revision.reasons)}" for revision in destructive),
                hint="split it into two deploys (add, then remove), or pass --allow-destructive (no rollback)",
            )
        target.will_destroy = bool(destructive and schema)
        what = identity(migration_in(target.objects, target.facts.name)) if target.objects else "the migration Job"
        return Plan((Change("run", what),), note=f"{schema or 'empty'} -> {head or 'head'}")

    def apply(self, target: Target, plan: Plan) -> Outcome:
        """Run the migration. Raises Failed with the Job's last lines (MIGRATION_FAILED, ...) or its pod's failure."""
        job = migration_in(target.objects or (), target.facts.name)
        started = start(target, job)
        target.destructive_ran = target.will_destroy
        wait(target, started)
        target.schema_after = target.image_schema
        return Outcome(summary=plan.note)


def _head(target: Target, digest: str) -> str:
    """Return the image's head: from its build or its record, else from the registry."""
    if digest not in target.heads:
        known = next((record for record in target.records if record.digest == digest and record.image_schema), None)
        target.heads[digest] = (
            known.image_schema if known else registry.about(target.environment.repository, digest).schema_head
        )
    return target.heads[digest]


def current_schema(target: Target) -> str:
    """Return the schema from /ready through the Service, else from the last release."""
    if target.namespace_missing:
        return ""
    answer = target.cluster.proxy(target.facts.name, target.environment.port, "/ready")
    if isinstance(answer, Mapping) and answer.get("schema"):
        return str(answer["schema"])
    last = records_of.last_good(target.records)
    return (last.schema_after or last.image_schema) if last else ""


def start(target: Target, job: Object) -> Object:
    """Apply the Job: adopt a running one, replace one that has ended, wait for one that is being deleted.

    An apply to a Job being deleted is silently accepted, and without Foreground two migrations ran at once.
    """
    name, deadline = job["metadata"]["name"], time.monotonic() + target.environment.migration_seconds
    while time.monotonic() < deadline:
        live = target.cluster.get(API, "Job", name)
        if live is None:
            return target.cluster.apply(job)
        if live["metadata"].get("deletionTimestamp"):
            time.sleep(POLL_SECONDS)
        elif _ended(live) or not look(target.cluster, [job], MANAGER)[0].same:
            evidence.save_job(target, live)
            target.cluster.delete(API, "Job", name, propagation="Foreground")
        else:
            return live
    raise fail(
        "MIGRATION_TIMEOUT",
        f"the old Job/{name} was not deleted in time",
        hint=f"kubectl describe job {name}",
        exit=Exit.TIMEOUT,
    )


def wait(target: Target, job: Object) -> None:
    """Wait until the container `migrate` has succeeded. Raises Failed with the reason if it failed or cannot start."""
    name, uid = job["metadata"]["name"], job["metadata"]["uid"]
    began, memory, graces = time.monotonic(), Memory(), target.environment.graces
    while True:
        target.still_ours()
        live = target.cluster.get(API, "Job", name)
        if live is None:
            raise fail("MIGRATION_FAILED", f"Job/{name} was deleted while running", hint="deploy again")
        pods = target.cluster.list("v1", "Pod", f"batch.kubernetes.io/controller-uid={uid}")
        ended = next((state for pod in pods if (state := _ended_container(pod))), None)
        if (ended and ended["exitCode"] == 0) or (not ended and _is(live, "Complete")):
            _stop_sidecars(target, live, pods)
            return
        if ended or _is(live, "Failed", "FailureTarget"):
            failure = _failure(target, live, pods)
            _stop_sidecars(target, live, pods)
            raise Failed(failure)
        events = target.cluster.list("v1", "Event")
        refused = [] if pods else [creation_sign(events, uid, graces)]
        verdict = classify(pods, events, time.monotonic() - began, memory, graces, list(filter(None, refused)))
        memory = verdict.memory
        failure = verdict.failure()
        if not failure and time.monotonic() - began > target.environment.migration_seconds:
            failure = _timeout(target, live, pods, events, verdict.waiting)
        if failure:
            evidence.save_job(target, live)
            target.cluster.delete(API, "Job", name, propagation="Foreground")
            raise Failed(failure)
        said = evidence.last_line(target, pods[0], CONTAINER) if pods and not verdict.waiting else verdict.waiting
        target.report.progress("migrate", said or "starting")
        time.sleep(POLL_SECONDS)


def _failure(target: Target, job: Object, pods: list[Object]) -> Failure:
    lines = _lines(target, job, pods)
    folder, name = evidence.save_job(target, job), job["metadata"]["name"]
    pod = pods[0] if pods else {}
    ended = _ended_container(pod) or {}
    reason = migration_reason(ended, pod, lines)
    code = (f"exit code {ended['exitCode']}",) if "exitCode" in ended else ()
    message = ": ".join(filter(None, (f"Job/{name} failed", reason.message)))
    return Failure(reason.code, message, (*code, *lines, f"evidence: {folder}"), reason.hint)


def _timeout(target: Target, job: Object, pods: list[Object], events: list[Object], waiting: str) -> Failure:
    lines, folder, name = (
        evidence.log_of(target, pods, container=CONTAINER),
        evidence.save_job(target, job),
        job["metadata"]["name"],
    )
    uids = {job["metadata"]["uid"], *(pod["metadata"]["uid"] for pod in pods)}
    warnings = [
        f"event {event.get('reason')}: {str(event.get('message', ''))[:300]}"
        for event in events
        if event.get("type") == "Warning" and event.get("involvedObject", {}).get("uid") in uids
    ]
    seen = (*([waiting] if waiting else []), *lines, *warnings[-1:], f"evidence: {folder}")
    message = f"Job/{name} did not end within {target.environment.migration_seconds} s"
    hint = "find out what it is waiting for, or raise `migration_seconds` in deploy/inventory.yaml; then deploy again"
    return Failure("MIGRATION_TIMEOUT", message, seen, hint)


def _lines(target: Target, job: Object, pods: list[Object]) -> tuple[str, ...]:
    """Return the last lines of the migration; a busy kubelet has them only a moment after the pod has failed."""
    for _ in range(LOG_ATTEMPTS):
        if lines := evidence.log_of(target, pods, container=CONTAINER):
            return lines
        time.sleep(POLL_SECONDS)
        selector = f"batch.kubernetes.io/controller-uid={job['metadata']['uid']}"
        pods = target.cluster.list("v1", "Pod", selector)
    return evidence.log_of(target, pods, container=CONTAINER)


def _stop_sidecars(target: Target, job: Object, pods: list[Object]) -> None:
    """End a Job whose pod would keep running without its migration until the Job's deadline."""
    going_on = [
        status
        for pod in pods
        for status in pod.get("status", {}).get("containerStatuses", ())
        if status["name"] != CONTAINER and not terminated(status)
    ]
    if going_on:
        evidence.save_job(target, job)
        target.cluster.delete(API, "Job", job["metadata"]["name"], propagation="Background")


def _ended_container(pod: Object) -> Mapping[str, Any] | None:
    """Return the `terminated` state of the container `migrate`; None while it is running."""
    status = container_of(pod, CONTAINER)
    return (status and status.get("state", {}).get("terminated")) or None


def _ended(job: Object) -> bool:
    return _is(job, "Complete", "Failed", "FailureTarget")


def _is(job: Object, *kinds: str) -> bool:
    return any(condition(job, kind).get("status") == "True" for kind in kinds)
