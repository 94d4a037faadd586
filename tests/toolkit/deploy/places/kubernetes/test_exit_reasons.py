"""Causes of the end of a migration's container."""

from typing import Any

import pytest

from app.core.config import EXIT_CONFIGURATION
from app.db.migrations import EXIT_LOCK_HELD
from toolkit.deploy.places.kubernetes import exit_reasons
from toolkit.deploy.places.kubernetes.exit_reasons import migration_reason


@pytest.mark.parametrize(
    ("ended", "lines", "code", "hint"),
    [
        ({"exitCode": EXIT_CONFIGURATION}, ["POSTGRES_DB is not set"], "SETTINGS_REFUSED", "settings"),
        ({"exitCode": EXIT_LOCK_HELD}, ["migrate: shop has been migrating"], "MIGRATION_LOCKED", "wait until it ends"),
        ({"exitCode": 69}, ["no PostgreSQL answers"], "DATABASE_UNREACHABLE", "DATABASE_URL"),
        ({"exitCode": 255}, ["exec /service/entrypoint.sh: exec format error"], "WRONG_PLATFORM", "platforms"),
        ({"exitCode": 128, "message": "exec: exec format error"}, [], "WRONG_PLATFORM", "platforms"),
        ({"exitCode": 137, "reason": "OOMKilled"}, [], "OUT_OF_MEMORY", "memory_limit"),
        ({"exitCode": 137}, [], "MIGRATION_INTERRUPTED", "deploy again"),
        ({"exitCode": 127}, ["not found"], "START_ERROR", "entrypoint"),
        ({"exitCode": 1}, ["a table stayed locked for 4 s"], "MIGRATION_FAILED", "pg_stat_activity"),
        ({"exitCode": 1}, ["ProgrammingError"], "MIGRATION_FAILED", "correct the revision"),
    ],
)
def test_the_reason(ended: dict[str, Any], lines: list[str], code: str, hint: str) -> None:
    reason = migration_reason(ended, {}, lines)
    assert reason.code == code
    assert hint in reason.hint
    assert ("revision" in reason.hint) == (hint == "correct the revision")


@pytest.mark.parametrize(
    "status", [{"reason": "Evicted"}, {"conditions": [{"type": "DisruptionTarget", "status": "True"}]}]
)
def test_a_pod_that_its_node_lost_is_no_fault_of_the_revision(status: dict[str, Any]) -> None:
    assert migration_reason({}, {"status": status}, []).code == exit_reasons.INTERRUPTED.code
