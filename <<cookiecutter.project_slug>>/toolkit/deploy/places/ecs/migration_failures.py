"""Causes of a failed migration. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from toolkit.deploy.places.ecs.definition import APP
from toolkit.deploy.places.ecs.stop_reasons import KILLED, Verdict, of_task
from toolkit.exit_codes import EX_CONFIG, EX_TEMPFAIL, EX_UNAVAILABLE

if TYPE_CHECKING:
    from toolkit.deploy.places.ecs.values import Task

TERMINATED = 143
MIGRATION = {
    EX_CONFIG: (
        "SETTINGS_REFUSED",
        "the service refuses its settings",
        "correct the settings named above: `settings` in deploy/inventory.yaml, or the secrets in AWS Secrets Manager",
    ),
    EX_TEMPFAIL: (
        "MIGRATION_LOCKED",
        "another migration of this database is running",
        "wait until it ends, then deploy again",
    ),
    EX_UNAVAILABLE: (
        "DATABASE_UNREACHABLE",
        "the database cannot be reached",
        "check DATABASE_URL, and that the database's security group allows the tasks'; the lines above have the reason",
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
    if any("locked for" in line for line in lines):  # output of app/db/migrations.py
        hint = "a table stayed locked: find the session that holds it in pg_stat_activity, then deploy again"
        return Verdict("MIGRATION_FAILED", "", hint, exit_code=code)
    hint = "correct the revision, then deploy again; the release is unchanged"
    return Verdict("MIGRATION_FAILED", "", hint, exit_code=code)
