"""The migration step: a Job of the image itself, before anything of the release changes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from deploy import evidence, registry, revisions
from deploy import record as records_of
from deploy.applying import look
from deploy.cluster import MANAGER
from deploy.model import Change, Exit, Failed, Failure, Outcome, Plan, fail
from deploy.signs import condition
from deploy.steps import UNKNOWN
from deploy.verdict import Memory, classify

if TYPE_CHECKING:
    from deploy.objects import Object
    from deploy.target import Target

API = "batch/v1"
POLL_SECONDS = 1.0
LOG_ATTEMPTS = 5


class Migrate:
    """Equal heads: nothing to do. The running service or the last record tells the schema's, a label the image's."""

    name, undoable, before_lock = "migrate", False, False

    def observe(self, target: Target) -> Any:
        if target.digest is None:
            return None
        target.image_schema = head = _head(target, target.digest)
        target.schema_before = current_schema(target)
        return head, target.schema_before, revisions.pending(target.project, target.schema_before, head)

    def plan(self, target: Target, seen: Any) -> Plan:
        """Raises Failed DESTRUCTIVE, naming the revisions, unless they are allowed."""
        if seen is None:
            return UNKNOWN
        head, schema, pending = seen
        if head and head == schema:
            return Plan(note=f"schema at {head}")
        if pending.newer_than_known:
            return Plan(note=f"schema at {schema}, newer than this image's {head}")
        destructive = [revision for revision in pending.revisions if revision.destructive]
        # An empty database has no pods that could break.
        if destructive and schema and not target.options.allow_destructive:
            raise fail(
                "DESTRUCTIVE",
                "pending revisions break the version that still serves",
                *(f"{revision.id}: {', '.join(revision.reasons)}" for revision in destructive),
                hint="make it in two deploys (add, then remove), or pass --allow-destructive: there is no way back",
            )
        target.will_destroy = bool(destructive and schema)
        what = f"Job/{job_of(target)['metadata']['name']}" if target.objects else "the migration Job"
        return Plan((Change("run", what),), note=f"{schema or 'empty'} -> {head or 'head'}")

    def apply(self, target: Target, plan: Plan) -> Outcome:
        """Raises Failed MIGRATION_FAILED with the Job's last lines, MIGRATION_TIMEOUT, or a verdict on its pod."""
        job = job_of(target)
        started = start(target, job)
        target.destructive_ran = target.will_destroy
        wait(target, started)
        target.schema_after = target.image_schema
        return Outcome(summary=plan.note)


def _head(target: Target, digest: str) -> str:
    """Of its own build, or its release on record; only then the registry is asked."""
    if digest not in target.heads:
        known = next((record for record in target.records if record.digest == digest and record.image_schema), None)
        target.heads[digest] = (
            known.image_schema if known else registry.schema_head(target.environment.repository, digest)
        )
    return target.heads[digest]


def current_schema(target: Target) -> str:
    """What /ready tells through the Service; without one, what the last release left."""
    if target.namespace_missing:
        return ""
    answer = target.cluster.proxy(target.facts.name, target.environment.port, "/ready")
    if isinstance(answer, Mapping) and answer.get("schema"):
        return str(answer["schema"])
    last = records_of.last_good(target.records)
    return (last.schema_after or last.image_schema) if last else ""


def job_of(target: Target) -> Object:
    return next(item for item in target.objects or () if item["kind"] == "Job")


def start(target: Target, job: Object) -> Object:
    """Apply the Job: adopt one that runs, replace one that has ended, wait for one that is being deleted.

    An apply to a dying Job is silently accepted, and without Foreground two migrations ran at once.
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
        f"an old Job/{name} does not go away",
        hint=f"kubectl describe job {name}",
        exit=Exit.TIMEOUT,
    )


def wait(target: Target, job: Object) -> None:
    name, uid = job["metadata"]["name"], job["metadata"]["uid"]
    began, memory = time.monotonic(), Memory()
    while True:
        target.still_ours()
        live = target.cluster.get(API, "Job", name)
        if live is None:
            raise fail("MIGRATION_FAILED", f"Job/{name} was deleted by somebody", hint="deploy again")
        if condition(live, "Complete").get("status") == "True" or live.get("status", {}).get("succeeded"):
            return
        pods = target.cluster.list("v1", "Pod", f"batch.kubernetes.io/controller-uid={uid}")
        if any(condition(live, kind).get("status") == "True" for kind in ("Failed", "FailureTarget")):
            raise Failed(_failure(target, live, pods))
        verdict = classify(
            pods, target.cluster.list("v1", "Event"), time.monotonic() - began, memory, target.environment.graces
        )
        memory = verdict.memory
        if failure := verdict.failure():
            evidence.save_job(target, live)
            target.cluster.delete(API, "Job", name, propagation="Foreground")
            raise Failed(failure)
        if time.monotonic() - began > target.environment.migration_seconds:
            failure = _failure(target, live, pods, "MIGRATION_TIMEOUT")
            target.cluster.delete(API, "Job", name, propagation="Foreground")
            raise Failed(failure)
        said = evidence.last_line(target, pods[0]) if pods and not verdict.waiting else verdict.waiting
        target.report.progress("migrate", said or "starting")
        time.sleep(POLL_SECONDS)


def _failure(target: Target, job: Object, pods: list[Object], code: str = "MIGRATION_FAILED") -> Failure:
    lines = evidence.log_of(target, pods)
    for _ in range(LOG_ATTEMPTS):
        if lines:
            break
        time.sleep(POLL_SECONDS)  # a kubelet under load has the last lines a moment after the pod has failed
        uid = job["metadata"]["uid"]
        lines = evidence.log_of(target, target.cluster.list("v1", "Pod", f"batch.kubernetes.io/controller-uid={uid}"))
    folder = evidence.save_job(target, job)
    name = job["metadata"]["name"]
    text = "did not end in time" if code == "MIGRATION_TIMEOUT" else "failed"
    hint = (
        "a table stayed locked: find who holds it, then deploy again"
        if any("locked for" in line for line in lines)
        else ""
    )
    hint = hint or "correct the revision, then deploy again; the release and its pods were not touched"
    return Failure(code, f"Job/{name} {text}", (*lines, f"all of it: {folder}"), hint)


def _ended(job: Object) -> bool:
    return any(condition(job, kind).get("status") == "True" for kind in ("Complete", "Failed", "FailureTarget"))
