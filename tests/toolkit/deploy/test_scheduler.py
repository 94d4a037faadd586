"""Schedules of commands on machines, and the program that runs them."""

import datetime as dt
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.deploy import scheduler

UTC = dt.UTC
NOW = dt.datetime(2026, 11, 26, 16, 30, 10, tzinfo=UTC)  # a Thursday


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        ("* * * * *", "2026-11-26 16:31"),
        ("30 16 * * *", "2026-11-27 16:30"),  # that minute has begun
        ("*/20 * * * *", "2026-11-26 16:40"),
        ("5/20 * * * *", "2026-11-26 16:45"),
        ("0 3 * * *", "2026-11-27 03:00"),
        ("0 9-17/4,23 * * *", "2026-11-26 17:00"),
        ("0 0 1 1 *", "2027-01-01 00:00"),
        ("0 0 29 2 *", "2028-02-29 00:00"),
        ("0 12 * * mon-fri", "2026-11-27 12:00"),
        ("0 12 * dec 7", "2026-12-06 12:00"),  # 7 is Sunday, too
        ("0 12 * * 0", "2026-11-29 12:00"),
        ("0 12 13 * fri", "2026-11-27 12:00"),  # both restricted: either
        ("0 12 13 * *", "2026-12-13 12:00"),
        ("@weekly", "2026-11-29 00:00"),
    ],
)
def test_next_time(schedule: str, due: str) -> None:
    assert scheduler.parse(schedule).after(NOW).strftime("%Y-%m-%d %H:%M") == due


@pytest.mark.parametrize(
    ("schedule", "reason"),
    [
        ("61 * * * *", "minute '61'"),
        ("* * 0 * *", "day '0'"),
        ("* * * foo *", "month 'foo'"),
        ("9-5 * * * *", "5 is before 9"),
        ("*/0 * * * *", "'0' is not a step"),
        ("* * * *", "4 fields"),
        ("0 0 30 2 *", "it has no day"),
    ],
)
def test_schedule_without_a_time_is_refused(schedule: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        scheduler.parse(schedule).after(NOW)


@pytest.mark.parametrize(
    ("script", "limit", "exit_code", "last"),
    [
        ("echo counting; echo done", 60, 0, "done"),
        ("echo no rows >&2; exit 4", 60, 4, "no rows"),
        ("kill -9 $$", 60, 137, ""),
        ("echo waiting; sleep 60", 0.5, 124, "not ended within"),
    ],
)
def test_outcome_of_a_run(
    script: str, limit: float, exit_code: int, last: str, capfd: pytest.CaptureFixture[str]
) -> None:
    scheduler.run(["sh", "-c", script], limit)
    (found,) = scheduler.outcomes(capfd.readouterr().out.splitlines())
    assert found["exit"] == exit_code
    assert last in str(found["last"])
    dt.datetime.fromisoformat(str(found["at"]))


def test_unknown_program_is_an_outcome(capfd: pytest.CaptureFixture[str]) -> None:
    scheduler.run(["no-such-program"], 60)
    (found,) = scheduler.outcomes(capfd.readouterr().out.splitlines())
    assert found["exit"] == 127


def test_sigterm_leaves_a_run_to_its_end(tmp_path: Path) -> None:
    """The program as a container gets it, with a schedule that is due at once."""
    script = f"touch {tmp_path}/began; sleep 2; echo ended"
    _, *arguments = scheduler.command("* * * * *", 60, json.dumps({"at": "before"}), ["sh", "-c", script])
    arguments[1] = arguments[1].replace("due = schedule.after", "due = dt.datetime.now(UTC); _ = schedule.after")
    child = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        while not (tmp_path / "began").exists():
            assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        out, _ = child.communicate(timeout=60)
    finally:
        child.kill()
    before, found = scheduler.outcomes(out.splitlines())
    assert before == {"at": "before"}
    assert (found["exit"], found["last"]) == (0, "ended")
    assert child.returncode == 0
