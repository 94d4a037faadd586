"""Types shared by all parts of the toolkit: changes, plans, outcomes, failures, exit codes. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class Exit(IntEnum):
    """Exit codes of the tasks, for pipelines. 130 and 143 (interrupted, after undo) are 128 + signal.

    OK: done, or nothing to do. CHANGES: `--check --exit-code` found changes. ROLLED_BACK: failed, the previous
    release serves. NOT_ROLLED_BACK: failed, and it does not. LOCKED: another deploy is running. REFUSED: nothing was
    changed. NOT_RECORDED: the release serves, its record is missing. TIMEOUT: the cluster stopped answering.
    """

    OK = 0
    CHANGES = 2
    ROLLED_BACK = 3
    NOT_ROLLED_BACK = 4
    LOCKED = 5
    REFUSED = 6
    NOT_RECORDED = 7
    TIMEOUT = 70


class Status(StrEnum):
    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"
    RESCUED = "rescued"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class Failure:
    """One failure for the user: a stable code, the message with its place, the evidence, and the next step."""

    code: str
    message: str
    evidence: tuple[str, ...] = ()
    hint: str = ""

    def __str__(self) -> str:
        lines = [f"{self.code}: {self.message}", *(f"  {line}" for line in self.evidence)]
        return "\n".join([*lines, f"  next: {self.hint}"] if self.hint else lines)


class Failed(Exception):
    """Carries a Failure to the reporter. `exit` is the default exit code of the process."""

    def __init__(self, failure: Failure, exit: Exit = Exit.REFUSED) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.exit = exit


def fail(code: str, message: str, *evidence: str, hint: str = "", exit: Exit = Exit.REFUSED) -> Failed:
    """Return a Failed, in one call: `raise fail("CODE", "what happened", "what was seen", hint="what to do")`."""
    return Failed(Failure(code, message, tuple(evidence), hint), exit)


LOOKING = ("wait", "check")  # actions that change nothing


@dataclass(frozen=True)
class Change:
    """One change by a step. `diff` has its lines in unified form, secrets masked."""

    action: str  # create, update, delete, build, run, write, or one of LOOKING
    what: str
    diff: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.action} {self.what}"


@dataclass(frozen=True)
class Plan:
    """Changes by a step; none means that it is already done. `deferred` names a prerequisite that is not known yet."""

    changes: tuple[Change, ...] = ()
    note: str = ""
    deferred: str = ""

    @property
    def empty(self) -> bool:
        return not self.changes and not self.deferred

    def exceeds(self, shown: Plan) -> bool:
        """Return True if more would be changed than was shown. Less is fine: an earlier Job or roll-out may have ended.

        A deferred part, then or now, cannot be compared.
        """
        if self.deferred or shown.deferred:
            return False
        return bool({change for change in self.changes if change.action not in LOOKING} - set(shown.changes))


@dataclass(frozen=True)
class Outcome:
    """Outcome of a step."""

    status: Status = Status.CHANGED
    summary: str = ""


@dataclass
class Result:
    """A step in the recap and the record."""

    step: str
    status: Status
    seconds: float = 0.0
    summary: str = ""
    failure: Failure | None = None


@dataclass
class Recap:
    results: list[Result] = field(default_factory=list)
    exit: int = Exit.OK

    def counts(self) -> dict[str, int]:
        return {status.value: sum(result.status is status for result in self.results) for status in Status}


def nearest(name: str, known: Sequence[str]) -> str:
    """Return the known name that was probably meant, or an empty string."""
    import difflib

    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return close[0] if close else ""
