"""A release: the candidate without requests, then all requests to it; each write names the whole traffic."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, Failure, fail
from toolkit.deploy.places.containerapps import state, verdict
from toolkit.deploy.places.traffic import targets

if TYPE_CHECKING:
    from toolkit.deploy.places.containerapps.place import ContainerAppsPlace
    from toolkit.deploy.places.traffic.targets import Traffic
    from toolkit.deploy.records import Kept

POLL_SECONDS = 1.0
ANSWER_SECONDS = 60.0  # a new label's address takes some seconds


class Rollout:
    """Implements the `Divider` of canaries."""

    def __init__(self, place: ContainerAppsPlace) -> None:
        self.place, self.app = place, place.app

    def release(self, kept: Kept, *, has_served: bool = False) -> str:
        """Bring the release to serve all requests. Returns its revision. Raises Failed with a verdict.

        `has_served`: its revision, if it still runs, needs no other check before it gets requests.
        """
        name = self.name_of(kept)
        revision = self.app.revision(name)
        if not (has_served and revision and revision.ready):
            self._start(kept, name)
        self.divide(targets.settled(name))
        return name

    def start_candidate(self, kept: Kept) -> str:
        name = self.name_of(kept)
        self._start(kept, name)
        return name

    def _start(self, kept: Kept, name: str) -> None:
        """Run the revision with an address of its own: a new one, or again the one that exists."""
        running, revision = self._running(name), self.app.revision(name)
        traffic = targets.beside(running, name) if running else targets.first(name)
        if revision is None:
            self.app.put(traffic, kept, name)
        else:
            if not revision.active:
                self.app.activate(name)
            elif revision.gave_up:
                self.app.restart(name)
            self.app.configure(kept, traffic)
        self.await_ready(name)
        self._await_answer(kept)

    def divide(self, traffic: Traffic) -> None:
        live = self.app.get()
        if live is None or live.traffic != traffic:
            self.app.divide(traffic)

    def check_revision(self, revision: str) -> None:
        if found := self.judge(revision, 0):
            raise self.failed(revision, found)

    def ask_tag(self, tag: str, path: str) -> object:
        live = self.app.get()
        return self.place.front.json(live.url_of(tag), path) if live else None

    def text_at_tag(self, tag: str, path: str) -> str:
        live = self.app.get()
        return self.place.front.text(live.url_of(tag), path) if live else ""

    def name_of(self, kept: Kept) -> str:
        return state.choose_name(self.app.name, kept, self.app.revisions())

    def judge(self, name: str, seconds: float) -> verdict.Verdict | None:
        revision, limit = self.app.revision(name), float(self.place.environment.rollout_seconds)
        if revision is None or revision.ready:
            return verdict.judge(revision, (), (), seconds, limit)
        replicas = self.app.replicas(name)
        events = self.place.logs_of.events(name)
        found = verdict.judge(revision, replicas, events, seconds, limit)
        if found and found.code == "CRASH_LOOP" and found.exit_code is None:  # the platform's log is late
            events = self.place.logs_of.awaited(lambda: self.place.logs_of.events(name))
            return verdict.judge(revision, replicas, events, seconds, limit)
        return found

    def failed(self, revision: str, found: verdict.Verdict) -> Failed:
        """Return the failure page: cause, revision, exit code, what Azure reports, and the last log lines."""
        ended = (f"exit code {found.exit_code}",) if found.exit_code is not None else ()
        said = tuple(f"| {line}" for line in found.lines)
        logged = tuple(line for line in self.place.logs_of.as_evidence(revision) if line not in said)
        hint = found.hint.replace("ENV", self.place.environment.name)
        return Failed(Failure(found.code, found.message, (f"revision {revision}", *ended, *said, *logged), hint))

    def _running(self, name: str) -> str:
        """Return the revision that keeps the requests; empty where none is ready."""
        live = self.app.get()
        if live is None or not live.serving or live.serving == name:
            return ""
        serving = self.app.revision(live.serving)
        return live.serving if serving and serving.ready else ""

    def await_ready(self, name: str) -> None:
        began = time.monotonic()
        while True:
            self.place.require_lock()
            revision, waited = self.app.revision(name), time.monotonic() - began
            if revision and revision.ready:
                return
            if found := self.judge(name, waited):
                raise self.failed(name, found)
            shown = (revision.running or revision.provisioning or "starting") if revision else "not created yet"
            self.place.report.progress("release", f"revision {name}: {shown}, {waited:.0f} s")
            time.sleep(POLL_SECONDS)

    def _await_answer(self, kept: Kept) -> None:
        """Wait until the candidate's own address answers as this release, ready for requests."""
        began = time.monotonic()
        while True:
            self.place.require_lock()
            health, ready = (self.ask_tag(targets.CANDIDATE, path) for path in ("/health", "/ready"))
            digest = health.get("image_digest") if isinstance(health, Mapping) else None
            if digest == kept["digest"] and isinstance(ready, Mapping) and ready.get("status") == "ready":
                return
            if time.monotonic() - began > ANSWER_SECONDS:
                lines = (f"/health: {str(health)[:200]}", f"/ready: {str(ready)[:200]}")
                message = "the candidate does not answer at its own address, or is not ready for requests"
                raise fail("NOT_READY", message, *lines, hint=self.place.unanswered_hint)
            time.sleep(POLL_SECONDS)
