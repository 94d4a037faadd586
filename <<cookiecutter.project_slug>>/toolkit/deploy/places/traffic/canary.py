"""A canary by the platform's own division of the requests: one revision beside another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from toolkit.deploy.places import metrics
from toolkit.deploy.places.traffic import targets
from toolkit.deploy.places.values import Figures, Limits

if TYPE_CHECKING:
    from toolkit.deploy.places.traffic.targets import Traffic
    from toolkit.deploy.records import Kept

# An address reaches any instance of its revision: so many readings find those of a small service.
READINGS = 6
LIMIT_KEYS = "`canary.error_percent` and `canary.slower`"


class Divider(Protocol):
    """A platform that keeps revisions. Members raise Failed."""

    def start_candidate(self, kept: Kept) -> str:
        """Start the release's revision without requests of clients, until it answers. Returns its name."""
        ...

    def divide(self, traffic: Traffic) -> None:
        """Divide the requests, until that is in effect."""
        ...

    def check_revision(self, revision: str) -> None:
        """Raises Failed with the verdict on a revision that has failed."""
        ...

    def ask_tag(self, tag: str, path: str) -> object:
        """Return the JSON response at a tag's address; None without one."""
        ...

    def text_at_tag(self, tag: str, path: str) -> str:
        """Return the response at a tag's address; empty without one."""
        ...


@dataclass
class TrafficCanary:
    """The candidate of one release. `running`: the revision that serves."""

    platform: Divider
    kept: Kept
    running: str
    weights: Sequence[int]
    seconds: float
    limits: Limits
    _candidate: str = ""
    _seen: dict[str, dict[str, Figures]] = field(default_factory=dict)

    def start(self, weight: int) -> str:
        """Start the candidate; the platform itself scales it with its share."""
        if not self._candidate:
            self._candidate = self.platform.start_candidate(self.kept)
        return self._candidate

    def shift(self, weight: int) -> None:
        self.platform.divide(targets.shared(self.running, self._candidate, weight))

    def ask(self, path: str) -> object:
        return self.platform.ask_tag(targets.CANDIDATE, path)

    def check(self) -> None:
        self.platform.check_revision(self._candidate)

    def figures(self) -> tuple[Mapping[str, Figures], Mapping[str, Figures]]:
        """Return the figures of every instance that was found so far."""
        return self._read(targets.RUNNING), self._read(targets.CANDIDATE)

    def end(self) -> None:
        self.platform.divide(targets.settled(self.running))

    def _read(self, tag: str) -> Mapping[str, Figures]:
        seen = self._seen.setdefault(tag, {})
        for _ in range(READINGS):
            text = self.platform.text_at_tag(tag, "/metrics")
            if process := metrics.process_of(text):
                seen[process] = metrics.figures(text)
        return dict(seen)
