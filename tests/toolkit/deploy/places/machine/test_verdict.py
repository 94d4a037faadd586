"""Verdicts on a new instance and on the migration: one row for each cause."""

import pytest

from toolkit.deploy.places.machine.engine import Instance
from toolkit.deploy.places.machine.verdict import REFUSED_SECONDS, Seen, judge, migration_failed

READY = {"status": "ready"}
REFUSED = {"code": "database_refused", "detail": "The database is unavailable: password."}


def instance(status: str = "running", code: int = 0, *, out_of_memory: bool = False, error: str = "") -> Instance:
    return Instance("id", "shop-blue-1", {}, status, code, out_of_memory, error=error)


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (Seen(instance(), READY, 1), ""),
        (Seen(instance(), None, 1), ""),
        (Seen(instance("created"), None, 1), ""),
        (Seen(instance("exited", 17), None, 1), "CRASH_LOOP"),
        (Seen(instance("exited", 0), None, 1), "CRASH_LOOP"),
        (Seen(instance("restarting", 1), None, 1), "CRASH_LOOP"),
        (Seen(instance("exited", 78), None, 1), "CRASH_LOOP"),
        (Seen(instance("exited", 137, out_of_memory=True), None, 1), "OUT_OF_MEMORY"),
        (Seen(instance("exited", 127), None, 1), "START_ERROR"),
        (Seen(instance("exited", 128, error="no such file"), None, 1), "START_ERROR"),
        (Seen(instance(), {"detail": "starting"}, 59), ""),
        (Seen(instance(), {"detail": "starting"}, 61), "NOT_READY"),
        (Seen(instance(), None, 61), "NOT_READY"),
        (Seen(instance(), READY, 61), ""),
        (Seen(instance(), REFUSED, 5, REFUSED_SECONDS - 1), ""),
        (Seen(instance(), REFUSED, 9, REFUSED_SECONDS), "DATABASE_REFUSED"),
        (Seen(None, None, 1), "CONTAINER_GONE"),
    ],
)
def test_verdict_on_an_instance(seen: Seen, code: str) -> None:
    found = judge(seen, 60)
    assert (found.code if found else "") == code


def test_not_ready_has_the_last_response() -> None:
    found = judge(Seen(instance(), {"detail": "The schema is too old."}, 61), 60)
    assert found
    assert "The schema is too old" in found.message


@pytest.mark.parametrize(
    ("ended", "lines", "code"),
    [
        (instance("exited", 1), (), "MIGRATION_FAILED"),
        (instance("exited", 1), ("products: locked for 5 s",), "MIGRATION_FAILED"),
        (instance("exited", 69), (), "DATABASE_UNREACHABLE"),
        (instance("exited", 75), (), "MIGRATION_LOCKED"),
        (instance("exited", 78), (), "SETTINGS_REFUSED"),
        (instance("exited", 127), (), "START_ERROR"),
        (instance("exited", 137), (), "MIGRATION_INTERRUPTED"),
        (instance("exited", 137, out_of_memory=True), (), "OUT_OF_MEMORY"),
    ],
)
def test_reason_of_a_failed_migration(ended: Instance, lines: tuple[str, ...], code: str) -> None:
    assert migration_failed(ended, lines).code == code


def test_locked_table_has_its_own_hint() -> None:
    assert "pg_stat_activity" in migration_failed(instance("exited", 1), ("products: locked for 5 s",)).hint
