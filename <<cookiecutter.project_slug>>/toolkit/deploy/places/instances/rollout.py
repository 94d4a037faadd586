"""A release: the group is replaced, and then watched at its own address."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.instances import plan, render, state, verdict
from toolkit.deploy.places.traffic.stability import answers_as

if TYPE_CHECKING:
    from toolkit.deploy.places.instances.place import InstancesPlace
    from toolkit.deploy.places.traffic.verdict import Verdict
    from toolkit.deploy.records import Kept

POLL_SECONDS = 1.0


def release(place: InstancesPlace, kept: Kept, secrets: Mapping[str, str]) -> None:
    """Replace the group, and wait until the new container answers. Raises Failed with a verdict."""
    groups = place.connection.groups
    live = groups.get()
    if live and live.release != render.release_of(kept) and plan.must_be_deleted(live, kept):
        groups.delete(groups.name)
        live = None
    if live is None or live.release != render.release_of(kept):
        groups.put(groups.name, render.body(kept, place.environment, secrets))
    await_answer(place, kept)


def await_answer(place: InstancesPlace, kept: Kept) -> None:
    began, limit = time.monotonic(), float(place.environment.rollout_seconds)
    while True:
        place.require_lock()
        live, waited = place.connection.groups.get(), time.monotonic() - began
        if found := verdict.judge(live, min(waited, limit), limit):
            raise failed(place, found)
        if live and live.container == state.RUNNING and answers_as(kept, place.ask("/health"), place.ask("/ready")):
            return
        if waited > limit and (found := verdict.judge(live, waited, limit)):
            raise failed(place, found)
        shown = (live.container or live.provisioning or "starting") if live else "not created yet"
        place.report.progress("release", f"{place.connection.groups.name}: {shown}, {waited:.0f} s")
        time.sleep(POLL_SECONDS)


def hold(place: InstancesPlace, kept: Kept, seconds: float, stable: float) -> str:
    """Wait until the release has answered for `stable` seconds. Returns a summary. Raises Failed with a verdict."""
    began, good_since = time.monotonic(), 0.0
    while True:
        place.require_lock()
        live, now = place.connection.groups.get(), time.monotonic()
        if found := verdict.judge(live, 0, float(place.environment.rollout_seconds)):
            raise failed(place, found)
        if answers_as(kept, place.ask("/health"), place.ask("/ready")):
            good_since = good_since or now
            if now - good_since >= stable:
                return f"{place.connection.groups.name} answers"
        elif now - began > seconds:
            raise fail("NOT_READY", "the container group does not answer", hint=place.unanswered_hint)
        else:
            good_since = 0.0
        place.report.progress("rollout", f"held {now - good_since if good_since else 0:.0f} of {stable:.0f} s")
        time.sleep(POLL_SECONDS)


def failed(place: InstancesPlace, found: Verdict) -> Failed:
    groups = place.connection.groups
    return found.failure(groups.name, groups.as_evidence(), place.environment.name)
