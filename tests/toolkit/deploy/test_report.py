"""One stream of events, shown in four ways."""

import fcntl
import io
import json
import os
import pty
import re
import struct
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import pytest

from tests.support.bakery import PATIENCE
from toolkit.deploy.outcomes import Change, Failure, Plan, Result, Status
from toolkit.deploy.report import JsonLines, Markdown, Plain, Report, make
from toolkit.deploy.terminal import Terminal


def told(report: Report) -> int:
    report.play("deploy lamps to staging")
    report.plan("release", Plan((Change("update", "Deployment/lamps", ("-  a: 1", "+  a: 2")),)), diff=True)
    report.start("release")
    report.progress("release", "1/2 ready")
    report.progress("release", "2/2 ready")
    report.result(Result("release", Status.CHANGED, 1.25, "update | Deployment/lamps"))
    report.failure(Failure("CRASH_LOOP", "it ends", ("exit code 1",), "read its log"))
    return report.end(3)


def test_plain_lines() -> None:
    out = io.StringIO()
    assert told(Report([Plain(out)])) == 3
    lines = out.getvalue().splitlines()
    assert lines[0] == "deploy lamps to staging"
    assert "           +  a: 2" in lines
    assert sum("ready" in line for line in lines) == 1  # a sign of life, not a line a second
    assert "CRASH_LOOP: it ends" in lines
    assert "  next: read its log" in lines
    assert lines[-1].startswith("recap      ok=0  changed=1  failed=0  exit=3")


def test_json_lines() -> None:
    out = io.StringIO()
    told(Report([JsonLines(out)]))
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [event["event"] for event in events] == [
        "play",
        "plan",
        "start",
        "progress",
        "progress",
        "result",
        "failure",
        "recap",
    ]
    assert events[5] | {"time": 0} == {
        "event": "result",
        "time": 0,
        "step": "release",
        "status": "changed",
        "seconds": 1.25,
        "summary": "update | Deployment/lamps",
    }
    assert events[-1]["exit"] == 3


@pytest.fixture
def terminal() -> Iterator[tuple[TextIO, Callable[[], str]]]:
    """A pseudo-terminal: its program's side, and what has been written to it so far."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.set_blocking(ours, False)
    seen = bytearray()

    def read() -> str:
        with suppress(BlockingIOError):
            seen.extend(os.read(ours, 65536))
        return seen.decode()

    with os.fdopen(theirs, "w") as out:
        yield out, read
    os.close(ours)


def awaited(read: Callable[[], str], seen: Callable[[str], object]) -> None:
    """A terminal passes on what was written a moment later."""
    end = time.monotonic() + 60
    while not seen(read()):
        assert time.monotonic() < end, read()
        time.sleep(0.02)


def test_the_clock_of_a_terminal_ticks_while_nothing_happens(terminal: tuple[TextIO, Callable[[], str]]) -> None:
    out, read = terminal
    shown = Terminal(out, tick=0.02)
    report = Report([shown], shown.close)
    report.start("containers")
    report.progress("containers", "exporting to image")
    awaited(read, lambda said: len(re.findall(r"containers +1 s +exporting to image", said)) >= 2)
    report.note("Compose warns: x")
    awaited(read, re.compile(r"\x1b\[K  Compose warns: x\r\n\r\x1b\[K  containers +\d+ s").search)
    report.close()
    awaited(read, lambda said: said.endswith("\r\x1b[K"))  # no line is left half written
    length = len(read())
    time.sleep(0.1)
    assert len(read()) == length


def test_the_clock_of_a_closed_terminal_stops(terminal: tuple[TextIO, Callable[[], str]]) -> None:
    out, _ = terminal
    before = set(threading.enumerate())
    shown = Terminal(out, tick=0.02)
    report = Report([shown], shown.close)
    report.start("containers")
    (clock,) = set(threading.enumerate()) - before
    out.close()
    clock.join(PATIENCE)
    assert not clock.is_alive()


def test_a_pipelines_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    told(make(out=io.StringIO()))
    text = (tmp_path / "summary.md").read_text()
    assert "### deploy lamps to staging: exit 3" in text
    assert "| release | changed | 1.25 | update \\| Deployment/lamps |" in text
    assert "CRASH_LOOP: it ends" in text
    assert isinstance(make(out=io.StringIO()).renderers[1], Markdown)
