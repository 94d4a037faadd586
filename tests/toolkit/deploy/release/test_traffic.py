"""Requests of clients during a deploy."""

import io
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import cast

import pytest

from toolkit.deploy.outcomes import fail
from toolkit.deploy.places import Place
from toolkit.deploy.places.values import Figures
from toolkit.deploy.release import traffic
from toolkit.deploy.release.traffic import Traffic, since
from toolkit.deploy.report import Plain, Report

OLD, NEW = Figures(100, 2), Figures(30, 0)


@pytest.mark.parametrize(
    ("before", "now", "requests", "errors"),
    [
        ({}, {}, 0, 0),
        ({"old": OLD}, {"old": OLD}, 0, 0),
        ({"old": OLD}, {"old": Figures(140, 5)}, 40, 3),
        ({"old": OLD}, {"old": OLD, "new": NEW}, 30, 0),  # one that has started during the deploy counts in full
        ({"old": OLD}, {"new": NEW}, 30, 0),  # one that has ended
        ({"old": OLD}, {"old": Figures(8, 1)}, 8, 1),  # one that has restarted
    ],
)
def test_requests_between_two_looks(
    before: Mapping[str, Figures], now: Mapping[str, Figures], requests: int, errors: int
) -> None:
    assert since(before, now) == Figures(requests, errors)


class Shown:
    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []

    def show(self, kind: str, data: Mapping[str, object]) -> None:
        if kind == "requests":
            self.events.append(tuple(data.values()))


class Answering:
    """A place with these figures, one after the other; a failure is raised."""

    def __init__(self, *looks: Mapping[str, Figures] | Exception) -> None:
        self.looks = list(looks)

    def explained(self) -> AbstractContextManager[None]:
        return nullcontext()

    def figures(self) -> Mapping[str, Figures]:
        found = self.looks.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


def counted(*looks: Mapping[str, Figures] | Exception, calls: int) -> list[tuple[object, ...]]:
    shown = Shown()
    report = Report([shown, Plain(io.StringIO())])
    found = Traffic(cast("Place", Answering(*looks)), report)
    for number in range(calls):
        found.count(f"step {number}")
    return shown.events


def test_a_look_that_fails_loses_no_request() -> None:
    events = counted({"a": OLD}, fail("HOST_LOST", "gone"), ValueError("no metrics"), {"a": Figures(150, 2)}, calls=3)
    assert events == [("step 2", 50, 0)]


def test_requests_before_the_deploy_do_not_count() -> None:
    assert counted({"a": OLD}, {"a": OLD}, calls=1) == [("step 0", 0, 0)]


def test_a_place_without_figures_shows_none() -> None:
    assert counted({}, {}, calls=1) == []


def test_within_a_step_not_every_poll_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    now = SimpleNamespace(monotonic=lambda: clock[0])
    clock = [100.0]
    monkeypatch.setattr(traffic, "time", now)
    shown = Shown()
    found = Traffic(cast("Place", Answering({"a": OLD}, {"a": Figures(110, 2)})), Report([shown]))
    found.within("release")
    assert shown.events == []
    clock[0] += traffic.EVERY_SECONDS
    found.within("release")
    assert shown.events == [("release", 10, 0)]
