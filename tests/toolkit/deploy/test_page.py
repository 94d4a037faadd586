"""The deploy page: time line, verdict and evidence in one file, also in a real browser."""

import io
import json
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.bakery import PATIENCE
from toolkit.deploy.outcomes import Failure, Result, Status
from toolkit.deploy.page import Page, Step, html
from toolkit.deploy.report import Plain, Report, make
from workshop.pictures.page import browser

EVIL = "<script>document.title = 'taken over'</script>"
MEASURE = """<script>
const rows = [...document.querySelectorAll("tbody tr")];
document.body.dataset.requests = rows.map(row => `${row.cells[3].innerText}/${row.cells[4].innerText}`);
const bars = [...document.querySelectorAll(".bar")].map(bar => bar.getBoundingClientRect());
document.body.dataset.bars = JSON.stringify(bars.map(box => [Math.round(box.left), Math.round(box.width)]));
</script></body>"""


class Counting:
    def __init__(self, kinds: list[str]) -> None:
        self.kinds = kinds

    def show(self, kind: str, data: object) -> None:
        self.kinds.append(kind)


def failed(path: Path) -> str:
    report = Report([Page(path)])
    report.play("deploy lamps to staging")
    report.start("image")
    report.result(Result("image", Status.OK, 0.0, "sha256:1"))
    report.progress("rollout", "0/2 ready")
    report.progress("rollout", "0/2 ready")
    report.progress("rollout", f"1/2 ready {EVIL}")
    time.sleep(0.05)
    report.result(Result("rollout", Status.FAILED, 0.05, EVIL))
    report.failure(Failure("CRASH_LOOP", f"it ends {EVIL}", ("exit code 1", f"| {EVIL}"), "read its log"))
    report.end(3)
    return path.read_text()


def test_what_a_failed_deploy_shows(tmp_path: Path) -> None:
    text = failed(tmp_path / "new" / "deploy.html")
    assert "failed and rolled back: the previous release is serving</strong> (exit code 3)" in text
    assert "CRASH_LOOP" in text
    assert "<strong>Next:</strong> read its log" in text
    assert text.count("0/2 ready") == 1  # equal lines in a row once
    assert EVIL not in text
    assert "&lt;script&gt;" in text


def test_a_refusal_without_a_recap_is_there(tmp_path: Path) -> None:
    report = Report([Page(tmp_path / "deploy.html")])
    report.failure(Failure("NO_PIN", "the inventory does not name the cluster"))
    text = (tmp_path / "deploy.html").read_text()
    assert "NO_PIN" in text
    assert "<strong>failed</strong></p>" in text


def test_the_summary_of_the_pipeline_links_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = tmp_path / "summary.md"
    for name, value in {"STEP_SUMMARY": summary, "RUN_ID": 7, "SERVER_URL": "https://github.com"}.items():
        monkeypatch.setenv(f"GITHUB_{name}", str(value))
    monkeypatch.setenv("GITHUB_REPOSITORY", "team/lamps")
    for page in ("", str(tmp_path / "deploy.html")):
        summary.unlink(missing_ok=True)
        make(out=io.StringIO(), page=page).end(0)
        assert ("(https://github.com/team/lamps/actions/runs/7#artifacts)" in summary.read_text()) == bool(page)
    assert (tmp_path / "deploy.html").exists()


def test_the_time_before_the_first_step_is_that_of_the_plan() -> None:
    page = Page(Path("x"), steps=[Step("image", 4, 5, "ok"), Step("rollout", 5, 9, "changed")])
    assert "<td>plan</td><td>ok</td><td>4.0</td>" in html(page, 0, 9)
    page.steps[0].began = 0.2
    assert "<td>plan</td>" not in html(page, 0, 9)


def test_each_instance_has_its_time_line(tmp_path: Path) -> None:
    shown: list[str] = []
    report = Report([Page(tmp_path / "deploy.html"), Plain(io.StringIO()), Counting(shown)])
    for name, state in (("new-1", "starting"), ("old-1", "ready"), ("new-1", "starting"), ("new-1", "ready")):
        report.instance(name, state)
    report.instance("old-1", "ended")
    report.instance(f"bad {EVIL}", "failed")
    report.end(0)
    text = (tmp_path / "deploy.html").read_text()
    assert shown.count("instance") == 5  # a repeated state once
    assert "<h2>Instances</h2>" in text
    assert len(re.findall(r'<div class="part [a-z ]*"', text)) == 4  # one that has ended takes no time
    assert re.search(r">new-1</td>.*starting 0\.\d, ready 0\.\d</td>", text)
    assert EVIL not in text
    assert "<h2>Instances</h2>" not in html(Page(Path("x")), 0, 1)  # the control


def test_requests_are_added_up_step_by_step(tmp_path: Path) -> None:
    shown: list[str] = []
    lines = io.StringIO()
    report = Report([Page(tmp_path / "deploy.html"), Plain(lines), Counting(shown)])
    report.requests("release", 40, 0)
    report.requests("release", 2, 1)
    report.result(Result("release", Status.CHANGED, 0.1, "done"))
    report.requests("rollout", 100, 3)
    report.result(Result("rollout", Status.OK, 0.1, "held"))
    report.result(Result("record", Status.OK, 0.0, ""))
    report.end(0)
    text = (tmp_path / "deploy.html").read_text()
    assert "<th>seconds</th><th>requests</th><th>errors</th>" in text
    found = re.findall(r"<tr><td>(\w+)</td><td>\w+</td><td>[\d.]+</td><td>(\d+)</td><td>(\d+)</td>", text)
    assert found == [("release", "42", "1"), ("rollout", "100", "3"), ("record", "0", "0")]
    assert "142 requests of clients during this deploy, 4 of them with 5xx" in text
    assert "42" not in lines.getvalue()
    assert "<th>requests</th>" not in html(Page(Path("x")), 0, 1)  # the control: none are known


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "succeeded"), (4, "failed and NOT rolled back"), (6, "refused"), (130, "interrupted"), (99, "failed")],
)
def test_the_verdict_is_that_of_the_exit_code(code: int, words: str) -> None:
    text = html(Page(Path("x")), code, 1)
    assert f"<strong>{words}" in text
    assert ('class="verdict good"' in text) == (code == 0)


@pytest.mark.needs("browser")
@pytest.mark.drill(minutes=1)
def test_the_time_line_in_a_browser(tmp_path: Path) -> None:
    if browser() is None:
        pytest.skip("there is no Chromium on this machine")
    page = Page(tmp_path / "deploy.html", f"deploy {EVIL}")
    page.steps += [Step("image", 0, 10, "ok", "built"), Step("rollout", 10, 40, "failed", EVIL)]
    page.requests = {"image": (120, 0), "rollout": (480, 7)}
    page.path.write_text(html(page, 3, 40).replace("</body>", MEASURE))
    options = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom")
    done = subprocess.run(
        [str(browser()), *options, page.path.as_uri()], capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    measured = re.search(r'data-bars="([^"]*)"', done.stdout)
    assert measured, done.stdout
    (first, short), (second, long) = json.loads(measured[1])
    assert first < second
    assert long == pytest.approx(3 * short, abs=2)
    assert abs(first + short - second) <= 2
    assert 'data-requests="120/0,480/7"' in done.stdout
    assert "<title>taken over" not in done.stdout
