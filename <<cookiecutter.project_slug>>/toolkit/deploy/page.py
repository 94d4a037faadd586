"""The deploy page: one HTML file without scripts: time lines of steps and instances, verdict, evidence."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from toolkit.exit_codes import SIGNALLED

SHOWN_PROGRESS = 30
PLANNED_SECONDS = 0.5
MEANINGS = {
    0: "succeeded",
    2: "changes were found",
    3: "failed and rolled back: the previous release is serving",
    4: "failed and NOT rolled back",
    5: "another deploy is running, or has taken over the lock",
    6: "refused: nothing was changed",
    7: "the new release is serving, its record is missing",
    70: "the cluster stopped answering",
}
# States of instances: their colours, and those in which an instance no longer is.
STATES = {"ready": "changed", "ending": "rescued", "failed": "failed"}
OVER = ("ended", "gone")
STYLE = """
:root { color-scheme: light dark; --good: #2da44e; --bad: #cf222e; --idle: #8c959f; --line: #8884; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.verdict { border-left: .4rem solid var(--bad); padding: .4rem .8rem; background: var(--line); }
.verdict.good { border-color: var(--good); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .5rem; vertical-align: top; }
tr { border-bottom: 1px solid var(--line); } td.line { width: 35%; } td.summary { overflow-wrap: anywhere; }
.bar { height: .8rem; min-width: 2px; border-radius: 2px; background: var(--idle); margin-top: .35rem; }
.changed { background: var(--good); } .rescued { background: #bf8700; } .failed { background: var(--bad); }
.track { position: relative; height: .8rem; margin-top: .35rem; } .part { position: absolute; height: 100%; }
.part { min-width: 2px; background: var(--idle); }
.part.changed { background: var(--good); } .part.rescued { background: #bf8700; }
.part.failed { background: var(--bad); }
pre { overflow-x: auto; padding: .6rem; background: var(--line); } details { margin: .3rem 0; }
"""


@dataclass
class Step:
    """`began` and `ended`: seconds since the begin of the deploy."""

    name: str
    began: float
    ended: float = 0.0
    status: str = ""
    summary: str = ""
    progress: list[tuple[float, str]] = field(default_factory=list)


@dataclass
class Page:
    """Renderer of the events of a deploy; the file is written when the deploy ends."""

    path: Path
    title: str = "deploy"
    steps: list[Step] = field(default_factory=list)
    instances: dict[str, list[tuple[float, str]]] = field(default_factory=dict)  # name: times and states
    requests: dict[str, tuple[int, int]] = field(default_factory=dict)  # step: requests of clients, and 5xx of them
    notes: list[str] = field(default_factory=list)
    failures: list[Mapping[str, Any]] = field(default_factory=list)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    _began: float = field(default_factory=time.monotonic)

    def show(self, kind: str, data: Mapping[str, Any]) -> None:
        now = time.monotonic() - self._began
        if kind == "play":
            self.title = data["title"]
        elif kind == "note":
            self.notes.append(data["text"])
        elif kind == "failure":
            self.failures.append(dict(data))
            self._write(None, now)  # some end without a recap
        elif kind == "progress":
            self._step(data["step"], now).progress.append((now, data["text"]))
        elif kind == "instance":
            self.instances.setdefault(data["name"], []).append((now, data["state"]))
        elif kind == "requests":
            requests, errors = self.requests.get(data["step"], (0, 0))
            self.requests[data["step"]] = requests + data["requests"], errors + data["errors"]
        elif kind == "start":
            self._step(data["step"], now)
        elif kind == "result":
            step = self._step(data["step"], now - data["seconds"])
            # A step is looked at before it is applied: its time line begins with the apply.
            step.began, step.ended = max(0.0, now - data["seconds"]), now
            step.status, step.summary = str(data["status"]), data["summary"]
        elif kind == "recap":
            self._write(int(data["exit"]), now)

    def _write(self, code: int | None, seconds: float) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(html(self, code, seconds), encoding="utf-8")

    def _step(self, name: str, now: float) -> Step:
        found = next((step for step in self.steps if step.name == name), None)
        if found is None:
            found = Step(name, now)
            self.steps.append(found)
        return found


def html(page: Page, code: int | None, seconds: float) -> str:
    """Return the file. Every text is escaped: summaries and log lines are from outside. Pure."""
    meaning = "failed" if code is None else MEANINGS.get(code, "interrupted" if code > SIGNALLED else "failed")
    exit_code = "" if code is None else f" (exit code {code})"
    ended = [step for step in page.steps if step.status]
    if ended and ended[0].began > PLANNED_SECONDS:  # every step is observed and planned before the first is applied
        ended.insert(0, Step("plan", 0.0, ended[0].began, "ok", "every step was observed and planned"))
    parts = [
        f"<h1>{escape(page.title)}</h1>",
        f'<p class="verdict{" good" if code == 0 else ""}"><strong>{escape(meaning)}</strong>{exit_code}</p>',
        f"<p>{page.at.isoformat(timespec='seconds')}, {seconds:.1f} s</p>",
        *(f"<p>{escape(note)}</p>" for note in page.notes),
        *map(_failure, page.failures),
        "<h2>Steps</h2>",
        f"<table><thead><tr>{''.join(f'<th>{name}</th>' for name in _columns(page))}</tr></thead><tbody>",
        *(_row(page, step, max(seconds, 0.001)) for step in ended),
        "</tbody></table>",
        *([f"<p>{_total(page.requests)}</p>"] if page.requests else []),
        *_instances(page.instances, max(seconds, 0.001)),
        *_progress(page.steps),
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(page.title)}: {escape(meaning)}</title><style>{STYLE}</style>"
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(parts) + "\n</body></html>\n"


def _columns(page: Page) -> tuple[str, ...]:
    figures = ("requests", "errors") if page.requests else ()
    return "step", "status", "seconds", *figures, "time line", ""


def _total(found: Mapping[str, tuple[int, int]]) -> str:
    requests, errors = (sum(counts) for counts in zip(*found.values(), strict=True))
    return f"The instances answered {requests} requests of clients during this deploy, {errors} of them with 5xx."


def _row(page: Page, step: Step, total: float) -> str:
    left, width = 100 * step.began / total, 100 * (step.ended - step.began) / total
    bar = f'<div class="bar {escape(step.status)}" style="margin-left:{left:.2f}%;width:{width:.2f}%"></div>'
    cells = (escape(step.name), escape(step.status), f"{step.ended - step.began:.1f}")
    if page.requests:
        cells += tuple(map(str, page.requests.get(step.name, (0, 0))))
    texts = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr>{texts}<td class="line">{bar}</td><td class="summary">{escape(step.summary)}</td></tr>'


def _instances(found: Mapping[str, Sequence[tuple[float, str]]], total: float) -> list[str]:
    """Return a row for each instance: when it was in which state."""
    if not found:
        return []
    head = "<tr><th>instance</th><th>time line</th><th>states, by seconds</th></tr>"
    rows = []
    for name, states in found.items():
        ends = [*(at for at, _ in states[1:]), total]
        bars = "".join(
            f'<div class="part {STATES.get(state, "")}" style="left:{100 * at / total:.2f}%;'
            f'width:{100 * (end - at) / total:.2f}%"></div>'
            for (at, state), end in zip(states, ends, strict=True)
            if state not in OVER
        )
        said = escape(", ".join(f"{state} {at:.1f}" for at, state in states))
        line = f'<td class="line"><div class="track">{bars}</div></td>'
        rows.append(f'<tr><td class="instance">{escape(name)}</td>{line}<td class="summary">{said}</td></tr>')
    return ["<h2>Instances</h2>", f"<table><thead>{head}</thead><tbody>", *rows, "</tbody></table>"]


def _failure(failure: Mapping[str, Any]) -> str:
    evidence = "\n".join(map(str, failure["evidence"]))
    lines = f"<pre>{escape(evidence)}</pre>" if evidence else ""
    hint = f"<p><strong>Next:</strong> {escape(failure['hint'])}</p>" if failure["hint"] else ""
    return f"<section><h2>{escape(failure['code'])}</h2><p>{escape(failure['message'])}</p>{lines}{hint}</section>"


def _progress(steps: Sequence[Step]) -> list[str]:
    return [
        f"<details><summary>{escape(step.name)}: what was seen</summary><pre>{_lines(step)}</pre></details>"
        for step in steps
        if step.progress
    ]


def _lines(step: Step) -> str:
    """Return the newest lines; equal ones in a row once."""
    kept = [
        entry
        for before, entry in zip([(0.0, ""), *step.progress], step.progress, strict=False)
        if entry[1] != before[1]
    ]
    return "\n".join(f"{at:7.1f} s  {escape(text)}" for at, text in kept[-SHOWN_PROGRESS:])
