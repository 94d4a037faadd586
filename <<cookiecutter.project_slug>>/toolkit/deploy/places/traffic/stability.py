"""The two waits of a release: its candidate answers, and then its revision gets all requests and stays ready."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.traffic import targets

if TYPE_CHECKING:
    from toolkit.deploy.places.traffic.platform import Platform, Releases
    from toolkit.deploy.records import Kept
    from toolkit.deploy.report import Report

POLL_SECONDS = 1.0
ANSWER_SECONDS = 60.0  # a new address takes some seconds


class Watched(Protocol):
    """The part of a place that these waits use."""

    @property
    def report(self) -> Report: ...
    @property
    def platform(self) -> Platform: ...
    @property
    def rollout(self) -> Releases: ...
    @property
    def unanswered_hint(self) -> str: ...
    def require_lock(self) -> None: ...
    def ask(self, path: str) -> object: ...


def await_answer(place: Watched, kept: Kept) -> None:
    """Wait until the candidate's own address answers as this release, ready for requests. Raises Failed NOT_READY."""
    began = time.monotonic()
    while True:
        place.require_lock()
        health, ready = (place.rollout.ask_tag(targets.CANDIDATE, path) for path in ("/health", "/ready"))
        if answers_as(kept, health, ready):
            return
        if time.monotonic() - began > ANSWER_SECONDS:
            lines = (f"/health: {str(health)[:200]}", f"/ready: {str(ready)[:200]}")
            message = "the candidate does not answer at its own address, or is not ready for requests"
            raise fail("NOT_READY", message, *lines, hint=place.unanswered_hint)
        time.sleep(POLL_SECONDS)


def answers_as(kept: Kept, health: object, ready: object) -> bool:
    """Return True for the answers of this release, ready for requests. Pure."""
    digest = health.get("image_digest") if isinstance(health, Mapping) else None
    return bool(digest == kept["digest"] and isinstance(ready, Mapping) and ready.get("status") == "ready")


def hold(place: Watched, revision: str, seconds: float, stable: float) -> str:
    """Wait until the revision has kept all requests for `stable` seconds. Returns a summary. Raises Failed."""
    began, good_since = time.monotonic(), 0.0
    while True:
        place.require_lock()
        place.rollout.check_revision(revision)
        live, now = place.platform.get(), time.monotonic()
        if live and targets.is_settled(live.traffic, revision) and place.ask("/health"):
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
