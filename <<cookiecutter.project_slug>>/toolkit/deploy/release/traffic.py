"""Requests of clients during a deploy, for the deploy page: counted by the instances, added up step by step."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.values import Figures

if TYPE_CHECKING:
    from toolkit.deploy.places import Place
    from toolkit.deploy.report import Report

PLAN = "plan"  # the time before the first step is applied
# Within a step: an instance that ends takes the figures since the last look with it.
EVERY_SECONDS = 2.0


class Traffic:
    """The figures at the last look. Those of instances that are running at the start are not of this deploy."""

    def __init__(self, place: Place, report: Report) -> None:
        self.place, self.report = place, report
        self._at = 0.0
        self._last = self._read()

    def within(self, step: str) -> None:
        """Look again if the last look is some seconds old."""
        if time.monotonic() - self._at >= EVERY_SECONDS:
            self.count(step)

    def count(self, step: str) -> None:
        """Show the requests since the last look as those of this step."""
        now = self._read()
        found = since(self._last, now)
        self._last = {**self._last, **now}
        if now:
            self.report.requests(step, found.requests, found.errors)

    def _read(self) -> Mapping[str, Figures]:
        """Return the figures by instance; nothing while the place does not answer: a page is no reason to fail."""
        with suppress(Failed, ValueError), self.place.explained():
            found = self.place.figures()
            self._at = time.monotonic()
            return found
        self._at = time.monotonic()
        return {}


def since(before: Mapping[str, Figures], now: Mapping[str, Figures]) -> Figures:
    """Return what was counted in between. A counter that has become smaller has started again. Pure."""
    requests = errors = 0
    for name, found in now.items():
        known = before.get(name, Figures())
        if found.requests < known.requests:
            known = Figures()
        requests += found.requests - known.requests
        errors += max(0, found.errors - known.errors)
    return Figures(requests, errors)
