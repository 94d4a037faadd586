"""The roll-out, watched by listing: a failure is detected within seconds, and success requires stability."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, Failure
from toolkit.deploy.places.kubernetes import evidence, unready
from toolkit.deploy.places.kubernetes.exit_reasons import WRONG_FORMAT, WRONG_PLATFORM
from toolkit.deploy.places.kubernetes.pod_failures import Sign, condition, controller_sign
from toolkit.deploy.places.kubernetes.pod_verdict import Memory, classify
from toolkit.deploy.places.kubernetes.pods import View, look

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace

POLL_SECONDS = 1.0
# Between two full checks only the Deployment is queried, so that the end of a short roll-out is noticed at once.
GLANCE_SECONDS = 0.1
SERVICE = "app"  # the container whose log has the reason; the others are sidecars


def wait(place: KubernetesPlace, seconds: float, hold: float, deployment: str = "") -> View:
    """Wait for a Deployment, by default the service's own, and return its state.

    Raises Failed with a failure, or NOT_READY after our own deadline.
    """
    name = deployment or place.service
    graces, began, memory, database = place.environment.graces, time.monotonic(), Memory(), unready.Watch(place)
    good_since, restarts, left = None, 0, hold
    first = condition(place.cluster.get("apps/v1", "Deployment", name) or {}, "Progressing").get("lastUpdateTime")
    while True:
        place.require_lock()
        view, now = look(place.cluster, name), time.monotonic()
        if view.complete:
            if good_since is None or view.restarts() != restarts:
                good_since, restarts = now, view.restarts()
            left = hold - (now - good_since)
            if left <= 0:
                return view
            place.report.progress("rollout", f"{view.summary}, held {now - good_since:.0f} of {hold:.0f} s")
        else:
            good_since = None
        refused = controller_sign(view.deployment or {}, view.replica_set, graces) if view.settled else None
        signs = [sign for sign in (refused, database.sign(view.pods)) if sign]
        verdict = classify(view.pods, view.events, now - began, memory, graces, signs)
        memory = verdict.memory
        sign = verdict.fatal or _gave_up(view, first)
        if sign is None and now - began > seconds:
            sign = Sign(
                "NOT_READY",
                _not_ready(view, verdict.waiting, seconds),
                0,
                hint="see the last response of `/ready` for the reason",
            )
        if sign:
            raise Failed(failure_of(place, view, sign))
        if view.complete:
            time.sleep(min(POLL_SECONDS, left))
        else:
            place.report.progress("rollout", " ".join(filter(None, (view.summary, verdict.waiting[:100]))))
            _await_change(place, view, name)


def _await_change(place: KubernetesPlace, view: View, name: str) -> None:
    """Wait until the Deployment's status changes, or the next full check is due."""
    version = view.deployment and view.deployment["metadata"]["resourceVersion"]
    end = time.monotonic() + POLL_SECONDS
    while time.monotonic() < end:
        time.sleep(GLANCE_SECONDS)
        live = place.cluster.get("apps/v1", "Deployment", name)
        if live and live["metadata"]["resourceVersion"] != version:
            return


def failure_of(place: KubernetesPlace, view: View, sign: Sign) -> Failure:
    """Return the failure page: cause, container, exit code, last lines, last warning, and the evidence folder."""
    folder = evidence.save_pods(place, view.pods, view.events)
    where = [f"pod {sign.pod}" + (f", container {sign.container}" if sign.container else "")] if sign.pod else []
    ended = [f"exit code {sign.exit_code}"] if sign.exit_code is not None else []
    uids = {pod["metadata"]["uid"] for pod in view.pods if pod["metadata"]["name"] == sign.pod}
    warnings = [
        event
        for event in view.events
        if event.get("type") == "Warning" and event.get("involvedObject", {}).get("uid") in uids
    ]
    event = [f"event {warnings[-1].get('reason')}: {str(warnings[-1].get('message', ''))[:300]}"] if warnings else []
    asked = sign.container or sign.code == "NOT_READY"
    lines = evidence.log_of(place, view.pods, sign.pod, sign.container or SERVICE) if asked else ()
    if any(WRONG_FORMAT in line for line in lines):
        sign = replace(sign, code=WRONG_PLATFORM.code, message=WRONG_PLATFORM.message, hint=WRONG_PLATFORM.hint)
    return Failure(sign.code, sign.message, (*where, *ended, *lines, *event, f"evidence: {folder}"), sign.hint)


def _gave_up(view: View, before: str | None) -> Sign | None:
    """Return the failure for Progressing=False of this roll-out; an earlier condition is stale."""
    progressing = condition(view.deployment or {}, "Progressing")
    if not view.settled or progressing.get("status") != "False" or progressing.get("lastUpdateTime") == before:
        return None
    return Sign(
        "NO_PROGRESS",
        f"the roll-out makes no progress: {progressing.get('message', '')}",
        0,
        hint="see the pods' events",
    )


def _not_ready(view: View, waiting: str, seconds: float) -> str:
    return f"not ready after {seconds:.0f} s ({view.summary})" + (f": {waiting}" if waiting else "")
