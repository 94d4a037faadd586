"""Causes of a failed migration. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from toolkit.deploy.places import migration_failures
from toolkit.deploy.places.ecs.definition import APP
from toolkit.deploy.places.ecs.stop_reasons import KILLED, Verdict, of_task
from toolkit.exit_codes import EX_CONFIG, EX_TEMPFAIL, EX_UNAVAILABLE

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.values import Task

TERMINATED = 143
MIGRATION = {
    EX_CONFIG: migration_failures.settings_refused("the secrets in AWS Secrets Manager"),
    EX_TEMPFAIL: migration_failures.LOCKED,
    EX_UNAVAILABLE: migration_failures.unreachable(
        "check DATABASE_URL, and that the database's security group allows the tasks'; the lines above have the reason"
    ),
}


def failure(task: Task, lines: Sequence[str]) -> Verdict:
    """Return why the migration's task has failed."""
    code = task.container(APP).exit_code
    if code is not None and (known := MIGRATION.get(code)):
        return Verdict(*known, exit_code=code)
    if (found := of_task(task)) and found.code not in ("CRASH_LOOP", "NOT_READY"):
        return found
    if code in (KILLED, TERMINATED) or code is None:
        return Verdict("MIGRATION_INTERRUPTED", "the task was stopped before it ended", "deploy again", exit_code=code)
    return Verdict(*migration_failures.of_lines(lines), exit_code=code)
