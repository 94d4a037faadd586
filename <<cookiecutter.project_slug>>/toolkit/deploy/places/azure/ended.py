"""A container that ran once and has ended: the migration, or a command. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.deploy.outcomes import Failed, Failure
from toolkit.deploy.places import migration_failures
from toolkit.deploy.places.azure.failures import by_exit, from_message
from toolkit.exit_codes import EX_TEMPFAIL, EX_UNAVAILABLE


@dataclass(frozen=True)
class Ended:
    """An execution that has ended. `exit_code`: None where Azure's log does not tell it, or nothing started."""

    name: str
    succeeded: bool
    exit_code: int | None
    events: tuple[str, ...] = ()
    late: bool = False


def failure(ended: Ended, what: str, lines: tuple[str, ...]) -> Failed:
    """Return the failure of a migration: its cause, its exit code, what Azure reports, and its last lines."""
    code, message, hint = cause(ended, lines)
    text = ": ".join(filter(None, ("the migration failed", message)))
    exit_code = (f"exit code {ended.exit_code}",) if ended.exit_code is not None else ()
    said = tuple(f"| {line}" for line in ended.events[-3:])
    return Failed(Failure(code, text, (f"{what} {ended.name}", *exit_code, *said, *lines), hint))


def cause(ended: Ended, lines: tuple[str, ...]) -> tuple[str, str, str]:
    """Return code, message and hint of a migration that failed. Pure."""
    if ended.exit_code in BY_EXIT_CODE:
        return BY_EXIT_CODE[ended.exit_code]
    if ended.exit_code is None:
        if found := from_message(" ".join(ended.events)):
            return found.code, found.message, found.hint
        if ended.late:
            return migration_failures.LATE
    elif (known := by_exit(ended.exit_code)).code != "CRASH_LOOP":
        return known.code, known.message, known.hint
    return migration_failures.of_lines(lines)


BY_EXIT_CODE = {
    EX_TEMPFAIL: migration_failures.LOCKED,
    EX_UNAVAILABLE: migration_failures.unreachable(
        "check the secret of DATABASE_URL, and that the environment's network reaches the database"
    ),
}
