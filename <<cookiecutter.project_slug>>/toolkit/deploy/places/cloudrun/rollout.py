"""A release: the candidate without requests, then all requests to it; each write names the whole traffic."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.cloudrun import state
from toolkit.deploy.places.cloudrun.verdict import judge
from toolkit.deploy.places.traffic import targets
from toolkit.deploy.places.traffic.stability import await_answer

if TYPE_CHECKING:
    from toolkit.deploy.places.cloudrun.place import CloudRunPlace
    from toolkit.deploy.places.traffic.targets import Traffic
    from toolkit.deploy.places.traffic.verdict import Verdict
    from toolkit.deploy.records import Kept

POLL_SECONDS = 1.0
TAKEN = "RevisionNameTaken"  # the condition's reason
ROUTE_SECONDS = 120.0  # a change of the traffic takes some seconds


class Rollout:
    """Implements `Releases`."""

    def __init__(self, place: CloudRunPlace) -> None:
        self.place, self.run = place, place.run

    def release(self, kept: Kept, *, has_served: bool = False, fresh: bool = False) -> str:
        if has_served:
            name = self.name_of(kept)
            revision = self.run.revision(name)
            if revision and revision.is_ready:
                traffic = targets.settled(name)
                self.run.put(traffic, template_of(kept, revision.name, revision), kept["annotations"])
                self._await_routed(traffic)
                return name
        name = self._start(kept, self.name_of(kept, fresh=fresh))
        self.divide(targets.settled(name))
        return name

    def start_candidate(self, kept: Kept) -> str:
        return self._start(kept, self.name_of(kept))

    def _start(self, kept: Kept, name: str) -> str:
        live = self.run.get()
        running = self._running(live, name)
        traffic = targets.beside(running, name) if running else targets.first(name)
        self.run.put(traffic, template_of(kept, name, self.run.revision(name)), kept["annotations"])
        self._await_ready(name)
        self._await_routed(traffic)
        await_answer(self.place, kept)
        return name

    def divide(self, traffic: Traffic) -> None:
        self.run.put(traffic)
        self._await_routed(traffic)

    def check_revision(self, revision: str) -> None:
        if found := judge(self.run.revision(revision), 0, self.place.environment.rollout_seconds):
            raise self.failed(revision, found)

    def ask_tag(self, tag: str, path: str) -> object:
        live = self.run.get()
        return self.place.connection.front.json(live.addresses.get(tag, ""), path, live.url) if live else None

    def text_at_tag(self, tag: str, path: str) -> str:
        live = self.run.get()
        return self.place.connection.front.text(live.addresses.get(tag, ""), path, live.url) if live else ""

    def name_of(self, kept: Kept, *, fresh: bool = False) -> str:
        return state.choose_name(self.run.name, kept, self.run.revisions(), fresh=fresh)

    def failed(self, revision: str, found: Verdict) -> Failed:
        return found.failure(revision, self.place.connection.logs.as_evidence(revision), self.place.environment.name)

    def _running(self, live: state.Service | None, name: str) -> str:
        """Return the revision that keeps the requests; empty where none is ready."""
        if live is None or not live.serving or live.serving == name:
            return ""
        serving = self.run.revision(live.serving)
        return live.serving if serving and serving.is_ready else ""

    def _await_ready(self, name: str) -> None:
        began, limit = time.monotonic(), self.place.environment.rollout_seconds
        while True:
            self.place.require_lock()
            waited = time.monotonic() - began
            live, revision = self.run.get(), self.run.revision(name)
            seen = live is not None and live.observed >= live.generation and live.latest_created == name
            if revision and revision.is_ready and (seen or waited > limit):
                return
            if found := judge(revision, waited, limit):
                raise self.failed(name, found)
            if live and live.observed >= live.generation and live.ready.reason == TAKEN:
                hint = "deploy again with another value of any setting, or delete that revision"
                raise fail("REVISION_TAKEN", f"a different revision {name} exists", live.ready.message, hint=hint)
            reason = revision.ready.reason if revision else "not created yet"
            self.place.report.progress("release", f"revision {name}: {reason or 'starting'}, {waited:.0f} s")
            time.sleep(POLL_SECONDS)

    def _await_routed(self, traffic: Traffic) -> None:
        began = time.monotonic()
        while True:
            self.place.require_lock()
            live = self.run.get()
            if live and is_routed(live, traffic):
                return
            if time.monotonic() - began > ROUTE_SECONDS:
                said = (live.routes.message or live.ready.message) if live else "the service is gone"
                hint = "run the same command again; `gcloud run services describe` shows the traffic"
                raise fail("NOT_ROUTED", f"the traffic did not become {targets.shown(traffic)}", said, hint=hint)
            self.place.report.progress("release", f"traffic: {targets.shown(traffic)}")
            time.sleep(POLL_SECONDS)


def is_routed(live: state.Service, traffic: Traffic) -> bool:
    """Return True if this division is in effect. Pure."""
    current = live.observed >= live.generation and live.routes.status == state.TRUE
    tagged = all(live.addresses.get(target.tag) for target in traffic if target.tag)
    return current and tagged and set(live.traffic) == set(traffic)


def template_of(kept: Kept, name: str, made: state.Revision | None) -> dict[str, object]:
    """Return the template under its revision's name. Pure.

    `made`: that revision, if it exists: its own specification, with the platform's defaults, is the only one that does
    not conflict with it.
    """
    metadata = {**kept["template"]["metadata"], "name": name}
    return {"metadata": metadata, "spec": made.template["spec"] if made else kept["template"]["spec"]}
