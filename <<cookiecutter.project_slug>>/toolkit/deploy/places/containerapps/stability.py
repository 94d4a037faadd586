"""The end of a release: its revision gets all requests, answers them, and stays ready."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.traffic import targets

if TYPE_CHECKING:
    from toolkit.deploy.places.containerapps.place import ContainerAppsPlace

POLL_SECONDS = 1.0


def hold(place: ContainerAppsPlace, revision: str, seconds: float, stable: float) -> str:
    """Wait, and return a summary. Raises Failed with a verdict."""
    began, good_since = time.monotonic(), 0.0
    while True:
        place.require_lock()
        place.rollout.check_revision(revision)
        live, now = place.app.get(), time.monotonic()
        if live and targets.is_settled(live.traffic, revision) and place.front.json(live.url, "/health"):
            good_since = good_since or now
            if now - good_since >= stable:
                return f"{revision} gets all requests"
            place.report.progress("rollout", f"held {now - good_since:.0f} of {stable:.0f} s")
        else:
            good_since = 0.0
            shown = targets.shown(live.traffic if live else ())
            if now - began > seconds:
                hint = place.unanswered_hint
                raise fail("NOT_ROUTED", f"{revision} does not get all requests, or does not answer", shown, hint=hint)
            place.report.progress("rollout", f"traffic: {shown}")
        time.sleep(POLL_SECONDS)
