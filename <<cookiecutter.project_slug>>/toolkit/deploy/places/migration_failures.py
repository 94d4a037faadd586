"""Causes of a failed migration that are the same on every place. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from toolkit.exit_codes import NOT_EXECUTABLE, NOT_FOUND

Cause = tuple[str, str, str]  # code, message, hint

LOCKED: Cause = (
    "MIGRATION_LOCKED",
    "another migration of this database is running",
    "wait until it ends, then deploy again",
)
# By the exit code of the shell's rules.
START_ERRORS: dict[int, Cause] = {
    NOT_EXECUTABLE: ("START_ERROR", "the image's command is not executable", "check the image's entrypoint"),
    NOT_FOUND: ("START_ERROR", "the image's command does not exist", "check the image's entrypoint"),
}
LATE: Cause = (
    "MIGRATION_TIMEOUT",
    "it did not end in time",
    "find out what it is waiting for, or raise `migration_seconds`; then deploy again",
)


def settings_refused(secrets: str) -> Cause:
    """`secrets`: where this place keeps those that the service may refuse."""
    hint = f"correct the settings named above: `settings` in deploy/inventory.yaml, or {secrets}"
    return "SETTINGS_REFUSED", "the service refuses its settings", hint


def unreachable(hint: str) -> Cause:
    """`hint`: what to check on this place."""
    return "DATABASE_UNREACHABLE", "the database cannot be reached", hint


def of_lines(lines: Iterable[str], unchanged: str = "the release is unchanged") -> Cause:
    """Return why a revision has failed, by the last lines of its log. `unchanged`: what it has left as it was."""
    if any("locked for" in line for line in lines):  # output of app/db/migrations.py
        hint = "a table stayed locked: find the session that holds it in pg_stat_activity, then deploy again"
        return "MIGRATION_FAILED", "", hint
    return "MIGRATION_FAILED", "", f"correct the revision, then deploy again; {unchanged}"
