"""The time budget of a pipeline's run: how long it is, which drills come first, and what its last line says."""

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from workshop import drills, totals
from workshop.budget import CAP_MINUTES, Budget, measure, slowness

DAY = dt.date(2026, 11, 26)
NAMES = [f"tests/cluster/test_{file}.py::test_{number}" for file in "abcdefgh" for number in range(12)]
SUITE = """
import time
import pytest

def test_plain(): pass

@pytest.mark.drill
@pytest.mark.parametrize("number", range(4))
def test_drill(number): time.sleep(0.01)

@pytest.mark.drill(minutes=30)
def test_long(): pass
"""


@pytest.mark.parametrize(
    ("slow", "minutes"), [(1.0, 35), (1.5, 52.5), (2.0, 70), (3.0, 70), (100.0, 70)], ids=lambda value: str(value)
)
def test_a_slower_machine_gets_more_time_up_to_the_cap(slow: float, minutes: float) -> None:
    assert Budget(0, 35, slow).deadline == 60 * minutes
    assert minutes <= CAP_MINUTES


def test_slowness_is_the_median_and_a_fast_machine_counts_as_normal() -> None:
    assert slowness([0.2, 0.4, 9.0]) == pytest.approx(2)
    assert slowness([0.01, 0.01]) == 1


def test_a_budget_is_measured_from_when_the_run_began() -> None:
    began = time.time() - 600
    assert measure(began, 35).deadline >= began + 35 * 60


def test_drills_of_a_changed_file_come_first_and_files_stay_together() -> None:
    found = drills.ordered(NAMES, drills.concerned(["tests/cluster/test_f.py"]), DAY)
    assert sorted(found) == sorted(NAMES)
    assert {name.partition("::")[0] for name in found[:12]} == {"tests/cluster/test_f.py"}
    assert len(_files(found)) == 8


def _files(names: list[str]) -> list[str]:
    """The file of each run of names, in their order: more than once where another file lies between."""
    files = [name.partition("::")[0] for name in names]
    return [file for file, before in zip(files, ["", *files], strict=False) if file != before]


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("tests/cluster/test_lock.py", "tests/cluster/test_lock.py"),
        ("tests/framework/common/unit/server/test_draining.py", "tests/service/test_framework.py"),
        ("<<cookiecutter.project_slug>>/toolkit/deploy/places/kubernetes/lock.py", "tests/cluster/test_lock.py"),
        ("<<cookiecutter.project_slug>>/toolkit/deploy/release/runner.py", "tests/cluster/*"),
        ("<<cookiecutter.project_slug>>/toolkit/resources/line/parser.py", "tests/service/test_domains.py"),
        ("docs/decisions.md", ""),
    ],
)
def test_a_changed_path_concerns_tests(path: str, pattern: str) -> None:
    assert drills.concerned([path]) == ([pattern] if pattern else [])


def test_every_pattern_of_changed_paths_and_of_tests_matches_a_file() -> None:
    root = Path(__file__).resolve().parents[2]
    for changed, concerned in drills.CONCERNS:
        for pattern in filter(None, (changed, concerned)):
            assert next(root.glob(pattern.replace("*", "**/*") if pattern.endswith("/*") else pattern), None), pattern


def test_narrow_concerns_come_before_broad_ones() -> None:
    changed = [
        f"{drills.SERVICE}/toolkit/deploy/release/runner.py",
        "tests/cluster/test_c.py",
        "tests/cluster/test_g.py",
    ]
    names = [*NAMES, "tests/image/test_a.py::test_0"]
    files = _files(drills.ordered(names, drills.concerned(changed), DAY))
    assert set(files[:2]) == {"tests/cluster/test_c.py", "tests/cluster/test_g.py"}
    assert files[-1] == "tests/image/test_a.py"


@pytest.mark.parametrize(
    "changed",
    [sorted({name.partition("::")[0] for name in NAMES}), [f"{drills.SERVICE}/toolkit/deploy/release/runner.py"]],
    ids=["narrow", "broad"],
)
def test_a_rank_rotates_when_everything_changes_daily(changed: list[str]) -> None:
    days = [drills.ordered(NAMES, drills.concerned(changed), DAY + dt.timedelta(day)) for day in range(30)]
    assert {names[0].partition("::")[0] for names in days} == {name.partition("::")[0] for name in NAMES}


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_the_rotation_brings_every_drill_within_days(share: float) -> None:
    waited = Counter[str]()
    longest = 0
    for day in range(120):
        ran = set(drills.ordered(NAMES, (), DAY + dt.timedelta(day))[: int(len(NAMES) * share)])
        waited = Counter({name: 0 if name in ran else waited[name] + 1 for name in NAMES})
        longest = max(longest, max(waited.values()))
    assert longest <= 3 / share


def test_without_the_rotation_some_drills_never_run() -> None:
    """The control: the same order each day."""
    ran = {name for _ in range(120) for name in drills.ordered(NAMES, (), DAY)[: len(NAMES) // 2]}
    assert len(ran) < len(NAMES)


@pytest.mark.parametrize(("seconds", "ran"), [(600, 4), (-1, 0)], ids=["time is left", "no time is left"])
def test_what_does_not_fit_is_left_out_by_name(tmp_path: Path, seconds: float, ran: int) -> None:
    found = _run_suite(tmp_path, seconds)
    assert found.counts["passed"] == ran
    assert len(found.left_out) == 5 - ran
    assert any(name.endswith("::test_long") for name in found.left_out)


def _run_suite(folder: Path, seconds: float) -> totals.Totals:
    """A suite of its own with this repository's conftest, in a run that has so many seconds left."""
    root = Path(__file__).resolve().parents[2]
    (folder / "tests").mkdir()
    (folder / "totals").mkdir()
    (folder / "tests" / "test_it.py").write_text(SUITE)
    # A mark set by folder counts for the selection: none of these is selected.
    (folder / "tests" / "cluster").mkdir()
    (folder / "tests" / "cluster" / "test_there.py").write_text(SUITE)
    schedule = drills.Schedule(time.time() + seconds, 1.0, (), DAY.isoformat())
    command = [
        sys.executable,
        "-m",
        "pytest",
        str(folder / "tests"),
        "-q",
        "--drills",
        "-m",
        "drill and not deploys",
        "-p",
        "tests.conftest",
    ]
    command += ["-c", str(root / "pyproject.toml"), "-p", "no:cacheprovider"]
    variables = {"TEST_DRILLS": schedule.dump(), totals.FOLDER: str(folder / "totals"), "PYTHONPATH": str(root)}
    done = subprocess.run(
        command, cwd=root, env={**os.environ, **variables}, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return totals.read(folder / "totals")


def test_the_last_line_is_that_of_pytest() -> None:
    counts = Counter(passed=603, failed=1, skipped=12)
    line = totals.Totals(counts).line(2133.2)
    assert line.strip("= ") == "1 failed, 603 passed, 12 skipped in 2133.20s (0:35:33)"


def test_totals_add_up_over_processes(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"{number}.json").write_text(json.dumps({"counts": {"passed": 2}, "left_out": [f"a::{number}"]}))
    assert totals.read(tmp_path) == totals.Totals(Counter(passed=4), ["a::0", "a::1"])


def test_a_pytest_that_a_test_starts_is_not_counted(tmp_path: Path) -> None:
    environment = {totals.FOLDER: str(tmp_path)}
    assert totals.take(environment) == tmp_path
    assert environment == {}
    assert totals.take(environment) is None
