"""One stream of events, shown in four ways."""

import io
import json
from pathlib import Path

import pytest

from deploy.model import Change, Failure, Plan, Result, Status
from deploy.report import JsonLines, Markdown, Plain, Report, make


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


def test_a_pipelines_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    told(make(out=io.StringIO()))
    text = (tmp_path / "summary.md").read_text()
    assert "### deploy lamps to staging: exit 3" in text
    assert "| release | changed | 1.25 | update \\| Deployment/lamps |" in text
    assert "CRASH_LOOP: it ends" in text
    assert isinstance(make(out=io.StringIO()).renderers[1], Markdown)
