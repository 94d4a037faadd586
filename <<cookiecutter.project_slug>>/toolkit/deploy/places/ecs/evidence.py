"""Evidence of a failure, stored on disk before any rollback: ECS forgets a stopped task after about an hour."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failure
from toolkit.deploy.places.ecs.definition import APP, log_stream

if TYPE_CHECKING:
    from pathlib import Path

    from toolkit.deploy.places.ecs.calls import Calls
    from toolkit.deploy.places.ecs.stop_reasons import Verdict
    from toolkit.deploy.places.ecs.values import Task

LINES, SHOWN = 1000, 20


def save(folder: Path, calls: Calls, group: str, family: str, task: Task) -> tuple[str, ...]:
    """Write a task with its log, and return the log's last lines."""
    lines = calls.log_lines(group, log_stream(family, task.id), LINES)
    (folder / f"{task.id}.json").write_text(json.dumps(asdict(task), indent=2) + "\n", encoding="utf-8")
    (folder / f"{task.id}.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tuple(f"| {line}" for line in lines[-SHOWN:])


def page(verdict: Verdict, task: Task | None, lines: tuple[str, ...], folder: Path | None) -> Failure:
    """Return the failure page: cause, task, exit code, reason, last lines and the evidence folder. Pure."""
    found: list[str] = []
    if task:
        found.append(f"task {task.id}")
        found += [reason for reason in dict.fromkeys((task.stopped_reason, task.container(APP).reason)) if reason]
    if verdict.exit_code is not None:
        found.append(f"exit code {verdict.exit_code}")
    found += lines
    if folder:
        found.append(f"evidence: {folder}")
    return Failure(verdict.code, verdict.message, tuple(found), verdict.hint)
