"""The roll-out, watched by listing: a failure is detected within seconds, and success requires stability."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import UNKNOWN, Change, Failed, Failure, Outcome, Plan
from toolkit.deploy.places.kubernetes import unready
from toolkit.deploy.places.kubernetes.exit_reasons import WRONG_FORMAT, WRONG_PLATFORM
from toolkit.deploy.places.kubernetes.pod_failures import Sign, condition, controller_sign, is_ready
from toolkit.deploy.places.kubernetes.pod_verdict import Memory, classify
from toolkit.deploy.release import evidence

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.client import Cluster
    from toolkit.deploy.places.kubernetes.objects import Object
    from toolkit.deploy.release.state import Target

POLL_SECONDS = 1.0
# Between two full checks only the Deployment is queried, so that the end of a short roll-out is noticed at once.
GLANCE_SECONDS = 0.1
SERVICE = "app"  # the container whose log has the reason; the others are sidecars
REVISION = "deployment.kubernetes.io/revision"
# The earlier steps that may resolve what the service waits for.
CHANGING = ("image", "config", "migrate", "release")


@dataclass(frozen=True)
class View:
    """State of a Deployment: its newest ReplicaSet, the pods of that, and older ones that still serve."""

    deployment: Object | None
    replica_set: Object | None = None
    pods: tuple[Object, ...] = ()
    old: tuple[Object, ...] = ()
    events: tuple[Object, ...] = ()

    @property
    def settled(self) -> bool:
        """True if the controller has seen the newest generation."""
        deployment = self.deployment
        return (
            bool(deployment)
            and deployment.get("status", {}).get("observedGeneration", 0) >= deployment["metadata"]["generation"]
        )

    @property
    def complete(self) -> bool:
        """True if updated, ready and available equal the desired number, and no older pod serves."""
        if not self.settled or self.deployment is None:
            return False
        status, desired = self.deployment.get("status", {}), self.deployment["spec"].get("replicas", 1)
        counts = [status.get(f"{name}Replicas", 0) for name in ("updated", "ready", "available")]
        return (
            [*counts, status.get("replicas", 0)] == [desired] * 4
            and not self.old
            and sum(map(is_ready, self.pods)) == desired
        )

    def restarts(self) -> int:
        return sum(
            int(entry.get("restartCount", 0))
            for pod in self.pods
            for entry in pod["status"].get("containerStatuses", ())
        )


def view(cluster: Cluster, name: str, *, events: bool = True) -> View:
    """Read the state with four lists, without a watch (which ends silently when the server closes it)."""
    deployment = cluster.get("apps/v1", "Deployment", name)
    if deployment is None:
        return View(None)
    selector = ",".join(f"{key}={value}" for key, value in deployment["spec"]["selector"]["matchLabels"].items())
    sets = [item for item in cluster.list("apps/v1", "ReplicaSet", selector) if _owned(item, deployment)]
    pods = cluster.list("v1", "Pod", selector)
    return divide(deployment, sets, pods, cluster.list("v1", "Event") if events else [])


def divide(deployment: Object, sets: Sequence[Object], pods: Sequence[Object], events: Sequence[Object]) -> View:
    """Build the state. The newest revision is the ReplicaSet with the Deployment's own revision number. Pure.

    Until the controller has seen the newest generation, that number is the previous one's, whose pods do not count.
    """
    if not View(deployment).settled:
        return View(deployment)
    wanted = deployment["metadata"].get("annotations", {}).get(REVISION)
    newest = next((item for item in sets if item["metadata"].get("annotations", {}).get(REVISION) == wanted), None)
    if newest is None:
        return View(deployment)
    leaving = [
        pod
        for pod in pods
        if not pod["metadata"].get("deletionTimestamp")
        and pod.get("status", {}).get("phase") not in ("Failed", "Succeeded")
    ]
    mine = tuple(pod for pod in leaving if _owned(pod, newest))
    others = {item["metadata"]["uid"] for item in sets if item is not newest}
    old = tuple(
        pod for pod in leaving if any(owner["uid"] in others for owner in pod["metadata"].get("ownerReferences", ()))
    )
    return View(deployment, newest, mine, old, tuple(events))


class Rollout:
    """The rollout step: waits until the newest revision is complete and stable. Raises Failed with the first fault."""

    name, undoable, before_lock = "rollout", True, False

    def observe(self, target: Target) -> Any:
        """Plan. Raises Failed DATABASE_REFUSED for pods that need other settings."""
        if not target.objects:
            return None
        seen = view(target.cluster, target.facts.name, events=False)
        idle = not target.touched and all(target.plans[name].empty for name in CHANGING if name in target.plans)
        cause = unready.cause(target, seen.pods) if idle and not seen.complete else None
        if cause and cause.refused:
            raise unready.refusal(target, cause)
        return seen

    def plan(self, target: Target, seen: Any) -> Plan:
        if seen is None:
            return UNKNOWN
        # The roll-out of a killed deployer may be complete, but its stability was not checked.
        seen_to_hold = target.plans["release"].empty and not target.touched and target.on_record
        if seen_to_hold and seen.complete:
            return Plan(note=_told(seen))
        return Plan((Change("wait", f"for Deployment/{target.facts.name}"),))

    def apply(self, target: Target, plan: Plan) -> Outcome:
        seen = wait(target, target.environment.rollout_seconds, target.environment.hold)
        return Outcome(summary=_told(seen))


def wait(target: Target, seconds: float, hold: float) -> View:
    """Wait, and return a summary. Raises Failed with a failure, or NOT_READY after our own deadline."""
    graces, began, memory, database = target.environment.graces, time.monotonic(), Memory(), unready.Watch(target)
    good_since, restarts, left = None, 0, hold
    first = condition(target.cluster.get("apps/v1", "Deployment", target.facts.name) or {}, "Progressing").get(
        "lastUpdateTime"
    )
    while True:
        target.still_ours()
        seen, now = view(target.cluster, target.facts.name), time.monotonic()
        if seen.complete:
            if good_since is None or seen.restarts() != restarts:
                good_since, restarts = now, seen.restarts()
            left = hold - (now - good_since)
            if left <= 0:
                return seen
            target.report.progress("rollout", f"{_told(seen)}, held {now - good_since:.0f} of {hold:.0f} s")
        else:
            good_since = None
        refused = controller_sign(seen.deployment or {}, seen.replica_set, graces) if seen.settled else None
        signs = [sign for sign in (refused, database.sign(seen.pods)) if sign]
        verdict = classify(seen.pods, seen.events, now - began, memory, graces, signs)
        memory = verdict.memory
        sign = verdict.fatal or _gave_up(seen, first)
        if sign is None and now - began > seconds:
            sign = Sign(
                "NOT_READY",
                _not_ready(seen, verdict.waiting, seconds),
                0,
                hint="see the last response of `/ready` for the reason",
            )
        if sign:
            raise Failed(failure_of(target, seen, sign))
        if seen.complete:
            time.sleep(min(POLL_SECONDS, left))
        else:
            target.report.progress("rollout", " ".join(filter(None, (_told(seen), verdict.waiting[:100]))))
            _await_change(target, seen)


def _await_change(target: Target, seen: View) -> None:
    """Wait until the Deployment's status changes, or the next full check is due."""
    version = seen.deployment and seen.deployment["metadata"]["resourceVersion"]
    end = time.monotonic() + POLL_SECONDS
    while time.monotonic() < end:
        time.sleep(GLANCE_SECONDS)
        live = target.cluster.get("apps/v1", "Deployment", target.facts.name)
        if live and live["metadata"]["resourceVersion"] != version:
            return


def failure_of(target: Target, seen: View, sign: Sign) -> Failure:
    """Return the failure page: cause, container, exit code, last lines, last warning, and the evidence folder."""
    folder = evidence.save_pods(target, seen.pods, seen.events)
    where = [f"pod {sign.pod}" + (f", container {sign.container}" if sign.container else "")] if sign.pod else []
    ended = [f"exit code {sign.exit_code}"] if sign.exit_code is not None else []
    uids = {pod["metadata"]["uid"] for pod in seen.pods if pod["metadata"]["name"] == sign.pod}
    warnings = [
        event
        for event in seen.events
        if event.get("type") == "Warning" and event.get("involvedObject", {}).get("uid") in uids
    ]
    event = [f"event {warnings[-1].get('reason')}: {str(warnings[-1].get('message', ''))[:300]}"] if warnings else []
    asked = sign.container or sign.code == "NOT_READY"
    lines = evidence.log_of(target, seen.pods, sign.pod, sign.container or SERVICE) if asked else ()
    if any(WRONG_FORMAT in line for line in lines):
        sign = replace(sign, code=WRONG_PLATFORM.code, message=WRONG_PLATFORM.message, hint=WRONG_PLATFORM.hint)
    return Failure(sign.code, sign.message, (*where, *ended, *lines, *event, f"evidence: {folder}"), sign.hint)


def _gave_up(seen: View, before: str | None) -> Sign | None:
    """Return the failure for Progressing=False of this roll-out; an earlier condition is stale."""
    progressing = condition(seen.deployment or {}, "Progressing")
    if not seen.settled or progressing.get("status") != "False" or progressing.get("lastUpdateTime") == before:
        return None
    return Sign(
        "NO_PROGRESS",
        f"the roll-out makes no progress: {progressing.get('message', '')}",
        0,
        hint="see the pods' events",
    )


def _not_ready(seen: View, waiting: str, seconds: float) -> str:
    return f"not ready after {seconds:.0f} s ({_told(seen)})" + (f": {waiting}" if waiting else "")


def _told(seen: View) -> str:
    if seen.deployment is None:
        return "no Deployment"
    return f"{sum(map(is_ready, seen.pods))}/{seen.deployment['spec'].get('replicas', 1)} ready" + (
        f", {len(seen.old)} old" if seen.old else ""
    )


def _owned(item: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    return any(
        reference.get("uid") == owner["metadata"]["uid"] for reference in item["metadata"].get("ownerReferences", ())
    )
