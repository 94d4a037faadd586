"""Fixtures for all tests: the template as in git, and services baked from it."""

import os
import time
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck
from xdist.remote import Producer

from tests.support.bakery import Bakery
from tests.support.turns import ByPart, deploys
from toolkit.dev import loopback
from workshop import drills, totals

# How fast a machine is, no test asserts; the seed stays as Hypothesis chooses it.
hypothesis.settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.settings.load_profile("unhurried")

# A person's proxy has no place between a test and what it has started.
loopback.bypass_proxy(os.environ)
TOTALS = totals.take(os.environ)

# Tests of a baked service, which test_framework.py runs there.
collect_ignore = ["framework"]

PARTS = (
    "browser",
    "pgbouncer",
    "postgresql",
    "docker",
    "cluster",
    "machine",
    "aws",
    "run",
    "external_secrets",
    "terraform",
)
LEFT_OUT = "left out: the time budget is used up"
# Of a run with a time budget: a workshop.drills.Schedule, as JSON. Then only drills are selected (-m drill).
SCHEDULE = "TEST_DRILLS"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--drills", action="store_true", help="run the tests that take minutes, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "bakery" in getattr(item, "fixturenames", ()):
            item.add_marker("bakes")
        if deploys(item.path):
            item.add_marker("deploys")
    if not config.getoption("--drills"):
        later = pytest.mark.skip(reason="a drill, which takes minutes: python3 tasks.py test --drills")
        for item in items:
            if item.get_closest_marker("drill"):
                item.add_marker(later)


@pytest.hookimpl(specname="pytest_collection_modifyitems", trylast=True)
def order_drills(items: list[pytest.Item]) -> None:
    """After -m has selected, which goes by the marks that are set above."""
    if schedule := _schedule():
        place = {name: number for number, name in enumerate(schedule.ordered([item.nodeid for item in items]))}
        items.sort(key=lambda item: place[item.nodeid])


def _schedule() -> drills.Schedule | None:
    return drills.load(os.environ[SCHEDULE]) if SCHEDULE in os.environ else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    if (schedule := _schedule()) and (drill := item.get_closest_marker("drill")):
        minutes = drill.kwargs.get("minutes", drills.MINUTES)
        if not schedule.fits(minutes, time.time()):
            pytest.skip(LEFT_OUT)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Leave the counts, and the names of drills that were left out, for the total of the whole run."""
    if hasattr(config, "workerinput") or TOTALS is None:
        return
    stats = terminalreporter.stats
    counts = Counter({kind: len(stats.get(kind, ())) for kind in totals.KINDS if kind != "deselected"})
    left_out = [report.nodeid for report in stats.get("skipped", ()) if _was_left_out(report)]
    totals.write(TOTALS, counts, left_out)


def _was_left_out(report: pytest.TestReport) -> bool:
    return isinstance(report.longrepr, tuple) and report.longrepr[2].endswith(LEFT_OUT)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByPart:
    return ByPart(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test marked `needs("browser")` that skips has failed when REQUIRE says that the part is there."""
    report = yield
    needed = {part for marker in item.iter_markers("needs") for part in marker.args}
    required = {part.strip() for part in os.environ.get("REQUIRE", "").split(",")}
    postponed = item.get_closest_marker("drill") and not item.config.getoption("--drills")
    expected = postponed or _was_left_out(report)
    if report.skipped and needed & required and not expected:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"REQUIRE={os.environ['REQUIRE']}, but: {reason}"
    return report


@pytest.fixture(scope="session")
def bakery(tmp_path_factory: pytest.TempPathFactory) -> Bakery:
    """Services by their answers, each baked once in a run, by the worker that asks first. Copy one to change it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = os.environ.get("TEST_BAKERY")  # of a run that consists of several: what one has baked, all use
    return Bakery(Path(__file__).resolve().parents[1], Path(folder) if folder else shared / "bakery")
