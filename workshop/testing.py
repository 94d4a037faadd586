"""The task `test`: everything in `tests/`; skipped tests are listed with the reason.

Three runs, with a summary each: first the tests that can share the machine, with one worker more than it has cores,
because they wait for services and containers; then the deploys, which wait for the cluster, one file per worker; then,
one after another, tests that serve under load or use every core.

With a time budget the drills follow, by priority (drills.py), until the time is used up.
"""

import datetime as dt
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from toolkit.dev import subprocesses
from workshop import budget, totals
from workshop import drills as priority

WORKERS = str(min((os.cpu_count() or 1) + 1, 4))  # one more than there are cores, because some tests wait
DEPLOYERS = 3  # three workers keep two cores busy; with drills, some of which serve under load, there are fewer
DEPLOYERS_WITH_DRILLS = 2
ALONE_SHARE = 0.35  # share of the time for drills that must run alone
NO_TESTS = 5  # pytest's exit code when nothing was selected
PLAIN = " and not drill"


def run(root: Path, *, drills: bool, only: str, minutes: float = 0, spent: float = 0) -> None:
    """Run the tests, with all `drills`, or with those that fit into `minutes` of a normal machine.

    `spent` are seconds of that time that have already passed. Raises SystemExit with pytest's exit code when a test
    has failed.
    """
    began = time.time() - spent
    options = ["-k", only] if only else []
    with tempfile.TemporaryDirectory(prefix="tests-") as folder:
        (kept := Path(folder, "totals")).mkdir()
        variables = {**os.environ, "TEST_BAKERY": str(Path(folder, "bakery")), totals.FOLDER: str(kept)}
        if minutes:
            codes = _within(root, budget.measure(began, minutes), options, variables)
        else:
            every = [*options, *(["--drills"] if drills else [])]
            codes = _turns(root, every, DEPLOYERS_WITH_DRILLS if drills else DEPLOYERS, "", variables)
        found = totals.read(kept)
    if found.left_out:
        print(f"\nSkipped, as the time budget is used up ({len(found.left_out)} drills; `test --drills` runs all):")
        print("\n".join(f"  {name}" for name in found.left_out))
    print(f"\nTotal:\n{found.line(time.time() - began)}", flush=True)
    if failed := [code for code in codes if code not in (0, NO_TESTS)]:
        raise SystemExit(failed[0])


def _within(root: Path, limit: budget.Budget, options: Sequence[str], variables: Mapping[str, str]) -> list[int]:
    """Run the plain tests, and then drills until the limit."""
    print(limit, flush=True)
    codes = _turns(root, options, DEPLOYERS, PLAIN, variables)
    first = priority.concerned(priority.changed_files(root, os.environ.get("TEST_CHANGED_SINCE", "")))
    left = 60 * limit.left(time.time())
    beside = ["--drills", "-n", str(DEPLOYERS_WITH_DRILLS), *options]
    for marks, more, deadline in (
        ("drill and not alone", beside, time.time() + left * (1 - ALONE_SHARE)),
        ("drill and alone", ["--drills", *options], limit.deadline),
    ):
        schedule = priority.Schedule(deadline, limit.slowness, tuple(first), dt.date.today().isoformat())
        known = {**variables, "TEST_DRILLS": schedule.dump()}
        codes.append(_pytest(root, ["-m", marks, *more], known))
    return codes


def _turns(root: Path, options: Sequence[str], deployers: int, also: str, variables: Mapping[str, str]) -> list[int]:
    return [
        _pytest(root, ["-m", f"not alone and not deploys{also}", "-n", WORKERS, *options], variables),
        _pytest(root, ["-m", f"deploys and not alone{also}", "-n", str(deployers), *options], variables),
        _pytest(root, ["-m", f"alone{also}", *options], variables),
    ]


def _pytest(root: Path, options: Sequence[str], variables: Mapping[str, str]) -> int:
    command = [sys.executable, "-m", "pytest", "tests", "-q", "-rfEs", "--durations=15", *options]
    return subprocesses.run(command, cwd=root, env=variables)
