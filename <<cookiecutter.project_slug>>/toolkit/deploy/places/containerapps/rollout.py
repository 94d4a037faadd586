"""A release: the candidate without requests, then all requests to it; each write names the whole traffic."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from toolkit.deploy.places.containerapps import plan, state, verdict
from toolkit.deploy.places.traffic import targets
from toolkit.deploy.places.traffic.stability import await_answer

if TYPE_CHECKING:
    from toolkit.deploy.outcomes import Failed
    from toolkit.deploy.places.containerapps.place import ContainerAppsPlace
    from toolkit.deploy.places.traffic.targets import Traffic
    from toolkit.deploy.places.traffic.verdict import Verdict
    from toolkit.deploy.records import Kept

POLL_SECONDS = 1.0


class Rollout:
    """Implements `Releases`."""

    def __init__(self, place: ContainerAppsPlace) -> None:
        self.place, self.app = place, place.app

    def release(self, kept: Kept, *, has_served: bool = False, fresh: bool = False) -> str:
        live, name = self.app.get(), self.name_of(kept)
        if live and not plan.has_settings(live, kept):
            self.app.configure(kept, live.traffic)
        revision = self.app.revision(name)
        ready = revision is not None and revision.is_ready
        if fresh and ready:
            self.app.restart(name)
            self._await_ready(name)
        elif not (has_served and ready):
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
        self._await_ready(name)
        await_answer(self.place, kept)

    def divide(self, traffic: Traffic) -> None:
        live = self.app.get()
        if live is None or live.traffic != traffic:
            self.app.divide(traffic)

    def check_revision(self, revision: str) -> None:
        if found := self.judge(revision, 0):
            raise self.failed(revision, found)

    def ask_tag(self, tag: str, path: str) -> object:
        live = self.app.get()
        return self.place.connection.front.json(live.url_of(tag), path) if live else None

    def text_at_tag(self, tag: str, path: str) -> str:
        live = self.app.get()
        return self.place.connection.front.text(live.url_of(tag), path) if live else ""

    def name_of(self, kept: Kept) -> str:
        return state.choose_name(self.app.name, kept, self.app.revisions())

    def judge(self, name: str, seconds: float) -> Verdict | None:
        revision, limit = self.app.revision(name), float(self.place.environment.rollout_seconds)
        if revision is None or revision.is_ready:
            return verdict.judge(revision, (), (), seconds, limit)
        replicas = self.app.replicas(name)
        events = self.place.connection.logs.events(name)
        found = verdict.judge(revision, replicas, events, seconds, limit)
        if found and found.code == "CRASH_LOOP" and found.exit_code is None:  # the platform's log is late
            events = self.place.connection.logs.awaited(lambda: self.place.connection.logs.events(name))
            return verdict.judge(revision, replicas, events, seconds, limit)
        return found

    def failed(self, revision: str, found: Verdict) -> Failed:
        return found.failure(revision, self.place.connection.logs.as_evidence(revision), self.place.environment.name)

    def _running(self, name: str) -> str:
        """Return the revision that keeps the requests; empty where none is ready."""
        live = self.app.get()
        if live is None or not live.serving or live.serving == name:
            return ""
        serving = self.app.revision(live.serving)
        return live.serving if serving and serving.is_ready else ""

    def _await_ready(self, name: str) -> None:
        began = time.monotonic()
        while True:
            self.place.require_lock()
            revision, waited = self.app.revision(name), time.monotonic() - began
            if revision and revision.is_ready:
                return
            if found := self.judge(name, waited):
                raise self.failed(name, found)
            shown = (revision.running or revision.provisioning or "starting") if revision else "not created yet"
            self.place.report.progress("release", f"revision {name}: {shown}, {waited:.0f} s")
            time.sleep(POLL_SECONDS)
