"""Verdict on a new instance, from its container and its answers. Pure; codes as for pods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.places import migration_failures
from toolkit.exit_codes import EX_CONFIG, EX_TEMPFAIL, EX_UNAVAILABLE, NOT_EXECUTABLE, NOT_FOUND

if TYPE_CHECKING:
    from toolkit.deploy.places.machine.engine import Instance

# The code of a response of /ready while the database refuses the service; a start of the database does not last longer.
REFUSED, REFUSED_SECONDS = "database_refused", 6.0
MEMORY = "raise resources.memory_limit in deploy/inventory.yaml, or find out what uses the memory"


@dataclass(frozen=True)
class Verdict:
    """A fatal failure. `exit_code`: of the container, if it has ended."""

    code: str
    message: str
    hint: str
    exit_code: int | None = None


@dataclass(frozen=True)
class Seen:
    """One look at an instance. `ready`: the body of /ready, None without a response.

    `seconds`: since its start. `refused`: for how long the database has refused it.
    """

    instance: Instance | None
    ready: object = None
    seconds: float = 0.0
    refused: float = 0.0


GONE = Verdict("CONTAINER_GONE", "the container was removed while it started", "deploy again")


def is_ready(answer: object) -> bool:
    return isinstance(answer, Mapping) and answer.get("status") == "ready"


def is_refused(answer: object) -> bool:
    return isinstance(answer, Mapping) and answer.get("code") == REFUSED


def judge(seen: Seen, limit: float) -> Verdict | None:
    """Return what is fatal, None if it may still become ready within `limit` seconds."""
    if seen.instance is None:
        return GONE
    if seen.instance.status not in ("created", "running"):
        return ended(seen.instance)
    if seen.refused >= REFUSED_SECONDS:
        message = f"the database refuses the service: {detail(seen.ready)}"
        return Verdict(
            "DATABASE_REFUSED", message, "correct DATABASE_URL, or the role in PostgreSQL; then deploy again"
        )
    if seen.seconds > limit and not is_ready(seen.ready):
        last = detail(seen.ready) or "no response"
        hint = "see the last response of `/ready` for the reason"
        return Verdict("NOT_READY", f"not ready after {limit:.0f} s: {last}", hint)
    return None


def ended(instance: Instance) -> Verdict:
    """Return the failure of a service that has ended or keeps restarting."""
    code = instance.exit_code
    if instance.out_of_memory:
        return Verdict("OUT_OF_MEMORY", "killed: out of memory", MEMORY, code)
    if code in (NOT_EXECUTABLE, NOT_FOUND) or (instance.error and code):
        return Verdict(
            "START_ERROR",
            f"the container cannot be started: {instance.error or 'no such command'}",
            "check the image's entrypoint",
            code,
        )
    hint = (
        "the service refuses its settings; correct those named in the log"
        if code == EX_CONFIG
        else "see the last lines of its log"
    )
    again = f" (restarts: {instance.restarts})" if instance.restarts else ""
    return Verdict("CRASH_LOOP", f"the container has ended{again}", hint, code)


def migration_failed(instance: Instance, lines: tuple[str, ...]) -> Verdict:
    """Return why the migration has failed."""
    code = instance.exit_code
    if instance.out_of_memory:
        return Verdict("OUT_OF_MEMORY", "out of memory", MEMORY, code)
    if known := MIGRATION.get(code):
        return Verdict(*known, code)
    if code in (137, 143):
        return Verdict("MIGRATION_INTERRUPTED", "the container was stopped before it ended", "deploy again", code)
    return Verdict(*migration_failures.of_lines(lines), code)


MIGRATION = {
    EX_CONFIG: migration_failures.settings_refused("the variables of `secret.from_env`"),
    EX_TEMPFAIL: migration_failures.LOCKED,
    EX_UNAVAILABLE: migration_failures.unreachable(
        "check DATABASE_URL, and that PostgreSQL accepts connections from the host; the lines above have the reason"
    ),
    **migration_failures.START_ERRORS,
}


def detail(answer: object) -> str:
    if isinstance(answer, Mapping):
        return str(answer.get("detail", answer)).rstrip(".")[:200]
    return str(answer)[:200] if answer is not None else ""
