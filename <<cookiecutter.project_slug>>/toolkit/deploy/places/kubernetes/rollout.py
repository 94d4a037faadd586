"""The roll-out, watched by listing: a failure is detected within seconds, and success requires stability."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, Failure
from toolkit.deploy.places.kubernetes import evidence, unready
from toolkit.deploy.places.kubernetes.exit_reasons import WRONG_FORMAT, WRONG_PLATFORM
from toolkit.deploy.places.kubernetes.labels import LABEL, PROCESS_LABEL
from toolkit.deploy.places.kubernetes.pod_failures import Sign, condition, controller_sign, is_ready
from toolkit.deploy.places.kubernetes.pod_verdict import Memory, classify
from toolkit.deploy.places.kubernetes.pods import View, look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolkit.deploy.places.kubernetes.client import Cluster
    from toolkit.deploy.places.kubernetes.place import KubernetesPlace

POLL_SECONDS = 1.0
# Between two full checks only the Deployment is queried, so that the end of a short roll-out is noticed at once.
GLANCE_SECONDS = 0.1
SERVICE = "app"  # the container whose log has the reason; the others are sidecars


def wait(place: KubernetesPlace, seconds: float, hold: float, deployment: str = "") -> str:
    """Wait for the service and its processes, or for one Deployment, and return a summary.

    Raises Failed with the first failure of one of them; after `seconds`, our own deadline, that is NOT_READY.
    """
    began, good_since, restarts, left = time.monotonic(), None, 0, hold
    wanted = [deployment] if deployment else names(place.cluster, place.service)
    watched = [_Watched(place, name, serves=name in (place.service, deployment)) for name in wanted]
    while True:
        place.require_lock()
        now = time.monotonic()
        for each in watched:
            sign = each.sign(now - began)
            for name, state in phases(each.view, sign.pod if sign else ""):
                place.report.instance(name, state)
            if sign:
                raise Failed(failure_of(place, each.view, sign))
        views = [each.view for each in watched]
        summary, counted = summary_of(wanted[0], views), sum(view.restarts() for view in views)
        if all(view.complete for view in views):
            if good_since is None or counted != restarts:
                good_since, restarts = now, counted
            left = hold - (now - good_since)
            if left <= 0:
                return summary
            place.report.progress("rollout", f"{summary}, held {now - good_since:.0f} of {hold:.0f} s")
            time.sleep(min(POLL_SECONDS, left))
            continue
        good_since = None
        late = next(each for each in watched if not each.view.complete)
        if now - began > seconds:
            sign = Sign("NOT_READY", _not_ready(late, seconds), 0, hint=late.hint)
            raise Failed(failure_of(place, late.view, sign))
        place.report.progress("rollout", " ".join(filter(None, (summary, late.waiting[:100]))))
        _await_change(place, late)


class _Watched:
    """One Deployment under watch, with what was seen of it before."""

    def __init__(self, place: KubernetesPlace, name: str, *, serves: bool) -> None:
        self.place, self.name, self.waiting, self.view = place, name, "", View(None)
        self._memory = Memory()
        self._database = unready.Watch(place) if serves else None
        live = place.cluster.get("apps/v1", "Deployment", name) or {}
        self._first = condition(live, "Progressing").get("lastUpdateTime")

    @property
    def hint(self) -> str:
        if self._database:
            return "see the last response of `/ready` for the reason"
        return "a process is available when it has run for the seconds of `hold_seconds`; see its log"

    def sign(self, seconds: float) -> Sign | None:
        """Look, and return a failure. `seconds`: since the begin of the watch."""
        graces, self.view = self.place.environment.graces, look(self.place.cluster, self.name)
        view = self.view
        refused = controller_sign(view.deployment or {}, view.replica_set, graces) if view.settled else None
        of_database = self._database.sign(view.pods) if self._database else None
        signs = [sign for sign in (refused, of_database) if sign]
        verdict = classify(view.pods, view.events, seconds, self._memory, graces, signs)
        self._memory, self.waiting = verdict.memory, verdict.waiting
        return verdict.fatal or _gave_up(view, self._first)


def names(cluster: Cluster, service: str) -> list[str]:
    """Return the Deployments of the release: the service, and its processes."""
    found = cluster.list("apps/v1", "Deployment", f"{LABEL}={service},{PROCESS_LABEL}")
    return [service, *sorted(item["metadata"]["name"] for item in found)]


def phases(view: View, failed: str) -> list[tuple[str, str]]:
    """Return the state of each pod, for the deploy page. `failed`: the name of one. Pure."""
    new = [(pod["metadata"]["name"], "ready" if is_ready(pod) else "starting") for pod in view.pods]
    found = [*new, *((pod["metadata"]["name"], "ending") for pod in view.old)]
    return [(name, "failed" if name == failed else state) for name, state in found]


def summary_of(service: str, views: Sequence[View]) -> str:
    """Return "2/2 ready, worker 1/1 ready". Pure."""
    return ", ".join(
        view.summary if name == service else f"{name.removeprefix(f'{service}-')} {view.summary}"
        for view in views
        for name in [view.deployment["metadata"]["name"] if view.deployment else service]
    )


def _await_change(place: KubernetesPlace, late: _Watched) -> None:
    """Wait until the Deployment's status changes, or the next full check is due."""
    version = late.view.deployment and late.view.deployment["metadata"]["resourceVersion"]
    end = time.monotonic() + POLL_SECONDS
    while time.monotonic() < end:
        time.sleep(GLANCE_SECONDS)
        live = place.cluster.get("apps/v1", "Deployment", late.name)
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


def _not_ready(late: _Watched, seconds: float) -> str:
    text = f"{late.name} is not ready after {seconds:.0f} s ({late.view.summary})"
    return ": ".join(filter(None, (text, late.waiting)))
