"""One stream of events and four ways to show it: a terminal, plain lines, JSON lines, a Markdown summary."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TextIO

from toolkit.deploy.outcomes import Failure, Plan, Recap, Result


class Traffic(Protocol):
    """Counts the requests of clients, and shows them by `Report.requests`."""

    def within(self, step: str) -> None: ...
    def count(self, step: str) -> None: ...


class Renderer(Protocol):
    """Shows an event: `kind` is play, plan, start, progress, instance, requests, result, note, failure or
    recap."""

    def show(self, kind: str, data: Mapping[str, Any]) -> None: ...


class Report:
    """Events of the play, shown by each renderer."""

    def __init__(self, renderers: Sequence[Renderer], closing: Callable[[], None] = lambda: None) -> None:
        self.renderers, self.recap, self._began = renderers, Recap(), time.monotonic()
        self._instances: dict[str, str] = {}
        self.traffic: Traffic | None = None  # counts requests, for a renderer that shows them
        self.close = closing  # stops background output of a renderer; nothing is shown afterwards

    def emit(self, kind: str, **data: Any) -> None:
        for renderer in self.renderers:
            renderer.show(kind, data)

    def play(self, title: str) -> None:
        self.emit("play", title=title)

    def plan(self, step: str, plan: Plan, *, diff: bool) -> None:
        changes = [
            {"action": change.action, "what": change.what, "diff": list(change.diff) if diff else []}
            for change in plan.changes
        ]
        self.emit("plan", step=step, changes=changes, deferred=plan.deferred, note=plan.note)

    def start(self, step: str) -> None:
        self.emit("start", step=step)

    def progress(self, step: str, text: str) -> None:
        self.emit("progress", step=step, text=text)
        if self.traffic:
            self.traffic.within(step)

    def instance(self, name: str, state: str) -> None:
        """Show that an instance has reached a state; a repeated one is not shown."""
        if self._instances.get(name) != state:
            self._instances[name] = state
            self.emit("instance", name=name, state=state)

    def requests(self, step: str, requests: int, errors: int) -> None:
        """Show requests that clients have made during a step; several calls add up."""
        self.emit("requests", step=step, requests=requests, errors=errors)

    def note(self, text: str) -> None:
        self.emit("note", text=text)

    def result(self, result: Result) -> None:
        self.recap.results.append(result)
        self.emit(
            "result", step=result.step, status=result.status, seconds=round(result.seconds, 2), summary=result.summary
        )
        if self.traffic:
            self.traffic.count(result.step)

    def failure(self, failure: Failure) -> None:
        self.emit(
            "failure", code=failure.code, message=failure.message, evidence=list(failure.evidence), hint=failure.hint
        )

    def end(self, code: int) -> int:
        self.recap.exit = code
        counts = {
            name: count for name, count in self.recap.counts().items() if count or name in ("ok", "changed", "failed")
        }
        self.emit("recap", exit=code, counts=counts, seconds=round(time.monotonic() - self._began, 1))
        return code


class Plain:
    """One line for each step, for pipelines and files."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self._said: dict[str, float] = {}

    def show(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind == "progress":
            # A pipeline's log needs occasional progress, not a line a second.
            if time.monotonic() - self._said.get(data["step"], -99.0) >= 10:
                self._said[data["step"]] = time.monotonic()
                self.line(f"    ...    {data['step']:<11} {data['text']}")
            return
        for line in lines_of(kind, data):
            self.line(line)

    def line(self, text: str) -> None:
        print(text, file=self.out, flush=True)


class JsonLines:
    """One JSON object per line: `event`, `time` (seconds since the epoch), and the event's data."""

    def __init__(self, out: TextIO) -> None:
        self.out = out

    def show(self, kind: str, data: Mapping[str, Any]) -> None:
        print(
            json.dumps({"event": kind, "time": round(time.time(), 3), **data}, default=str), file=self.out, flush=True
        )


class Markdown:
    """A Markdown table for the pipeline's job page, appended when the play ends."""

    def __init__(self, path: Path, more: str = "") -> None:
        self.path, self.more = path, more
        self.title, self.rows, self.failures = "", [], []

    def show(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind == "play":
            self.title = data["title"]
        elif kind == "result":
            self.rows.append(f"| {data['step']} | {data['status']} | {data['seconds']} | {_cell(data['summary'])} |")
        elif kind == "failure":
            self.failures.append("\n".join(lines_of(kind, data)))
        elif kind == "recap":
            head = [f"### {self.title}: {'succeeded' if data['exit'] == 0 else 'exit ' + str(int(data['exit']))}", ""]
            table = ["| step | status | seconds | |", "|---|---|---|---|", *self.rows]
            pages = [f"\n```\n{page}\n```" for page in self.failures]
            with self.path.open("a", encoding="utf-8") as out:
                out.write("\n".join([*head, *table, *pages, *([f"\n{self.more}"] if self.more else []), ""]) + "\n")


def lines_of(kind: str, data: Mapping[str, Any]) -> list[str]:
    """Return an event as text lines. Pure."""
    if kind == "play":
        return [data["title"]]
    if kind == "note":
        return [f"  {data['text']}"]
    if kind == "plan":
        if data["deferred"]:
            return [f"  plan     {data['step']:<11} {data['deferred']}"]
        shown = []
        for change in data["changes"]:
            shown.append(f"  plan     {data['step']:<11} {change['action']} {change['what']}")
            shown += [f"           {line}" for line in change["diff"]]
        return shown
    if kind == "result":
        return [
            f"{data['status'].value:<10} {data['step']:<11} {data['summary']}  ({data['seconds']:.1f} s)".replace(
                "   (", "  ("
            )
        ]
    if kind == "failure":
        return str(Failure(data["code"], data["message"], tuple(data["evidence"]), data["hint"])).splitlines()
    if kind == "recap":
        counts = "  ".join(f"{name}={count}" for name, count in data["counts"].items())
        return [f"recap      {counts}  exit={int(data['exit'])}  ({data['seconds']} s)"]
    return []


def make(*, as_json: bool = False, out: TextIO | None = None, page: str = "") -> Report:
    """Return the renderer for the output; with a summary if a pipeline requests one (GITHUB_STEP_SUMMARY).

    `page`: a file for the deploy page.
    """
    from toolkit.deploy.terminal import Terminal

    out = out or sys.stdout
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    others: list[Renderer] = [Markdown(Path(summary), _page_link(page, os.environ))] if summary else []
    if page:
        from toolkit.deploy.page import Page

        others.append(Page(Path(page)))
    if out.isatty() and not as_json:
        terminal = Terminal(out)
        return Report([terminal, *others], terminal.close)
    return Report([JsonLines(out) if as_json else Plain(out), *others])


def _page_link(page: str, variables: Mapping[str, str]) -> str:
    """Return a link to the artifacts of this run, where the pipeline puts the deploy page. Pure."""
    run = variables.get("GITHUB_RUN_ID")
    if not (page and run):
        return ""
    address = f"{variables.get('GITHUB_SERVER_URL')}/{variables.get('GITHUB_REPOSITORY')}/actions/runs/{run}"
    return f"[Deploy page with the time line]({address}#artifacts)"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
