"""Causes of a failed start, from Compose's output and the last lines of the failed container. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from toolkit.deploy import program_errors
from toolkit.deploy.image import buildx
from toolkit.deploy.outcomes import Failed, fail
from toolkit.exit_codes import EX_CONFIG, EX_TEMPFAIL, EX_UNAVAILABLE

LastWords = Callable[[str], Sequence[str]]
RESTORE = "docs/database.md has the commands for dump and restore"
DATABASE_FAULT = re.compile(r"dependency failed to start.*-db-|container \S*-db-\d+ (is unhealthy|exited)")
PORT_FAULT = re.compile(r":(\d+): bind: address already in use|:(\d+) failed: port is already allocated")


def explain(output: Sequence[str], last_words: LastWords) -> Failed:
    """Return the cause. `last_words` returns the last lines of a service's container."""
    said = "\n".join(output)
    if found := re.search(r'service "migrate" didn.t complete successfully: exit (\d+)', said):
        return migration(int(found[1]), last_words("migrate"))
    if DATABASE_FAULT.search(said):
        return database(last_words("db"))
    if found := PORT_FAULT.search(said):
        number = found[1] or found[2]
        return fail("PORT_TAKEN", f"port {number} is in use by another program", hint="run `python3 tasks.py up` again")
    if re.search(r"^#\d+ ERROR|failed to solve", said, re.M):
        return buildx.explain("the development image", output[-60:])
    return program_errors.classify(said) or fail(
        "START_FAILED", "Compose could not start the containers", program_errors.cause_line(said), hint="correct that"
    )


def migration(code: int, lines: Sequence[str]) -> Failed:
    """Return the meaning of the exit code of `migrate` and its output."""
    said = "\n".join(lines)
    if "password authentication failed" in said:
        return fail(
            "PASSWORD_REJECTED",
            "the database's password differs from the one in .env",
            *lines[-3:],
            hint="restore the earlier POSTGRES_PASSWORD in .env, or set the new one in the database: "
            "docker compose up --detach db && docker compose exec db psql --username postgres --command '\\password'",
        )
    if code == EX_CONFIG:
        return fail("SETTINGS_REFUSED", "the service refuses its settings", *lines, hint="correct them in .env")
    if code == EX_UNAVAILABLE:
        return fail(
            "DATABASE_UNREACHABLE",
            "the migration cannot connect to the database",
            *lines,
            hint="correct what it reports",
        )
    if code == EX_TEMPFAIL:
        return fail(
            "MIGRATION_LOCKED",
            "another migration of this database is running",
            *lines,
            hint="wait until it ends, then run `python3 tasks.py up` again",
        )
    return program_errors.classify(said) or fail(
        "MIGRATION_FAILED",
        "the database could not be migrated",
        *lines,
        hint="correct the revision, then run `python3 tasks.py up` again",
    )


def database(lines: Sequence[str]) -> Failed:
    """Return the meaning of PostgreSQL's last lines."""
    said = "\n".join(lines)
    if found := re.search(r"initialized by PostgreSQL version (\d+), which is not compatible .*? version (\d+)", said):
        return fail(
            "DATABASE_VERSION",
            f"the volume contains data of PostgreSQL {found[1]}, which PostgreSQL {found[2]} cannot read",
            *(line for line in lines if "initialized by" in line),
            hint=f"keep that version: echo POSTGRES_VERSION={found[1]} >> .env; to migrate the data, {RESTORE}",
        )
    known = program_errors.classify(said)
    if known and known.failure.code == "DISK_FULL":
        return known
    return fail("DATABASE_FAILED", "PostgreSQL did not start", *lines, hint="correct what it reports above")
