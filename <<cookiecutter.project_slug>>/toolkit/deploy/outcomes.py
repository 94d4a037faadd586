"""The words that every part of the toolkit shares: changes, plans, outcomes, failures, exit codes. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class Exit(IntEnum):
    """Exit codes of the tasks, for pipelines. 130 and 143 (interrupted, after undo) are 128 + signal.

    OK: done, or nothing to do. CHANGES: `--check --exit-code` found changes. ROLLED_BACK: failed, the release before
    serves. NOT_ROLLED_BACK: failed, and it does not. LOCKED: another deploy is running. REFUSED: nothing was changed.
    NOT_RECORDED: the release serves, its record is missing. TIMEOUT: the cluster stopped answering.
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
    """One fault, for people: a stable code, what happened and where, what was seen, and the next thing to do."""

    code: str
    message: str
    evidence: tuple[str, ...] = ()
    hint: str = ""

    def __str__(self) -> str:
        lines = [f"{self.code}: {self.message}", *(f"  {line}" for line in self.evidence)]
        return "\n".join([*lines, f"  next: {self.hint}"] if self.hint else lines)


class Failed(Exception):
    """Carries a Failure to whoever reports it. `exit` is the code of the process when nobody decides otherwise."""

    def __init__(self, failure: Failure, exit: Exit = Exit.REFUSED) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.exit = exit


def fail(code: str, message: str, *evidence: str, hint: str = "", exit: Exit = Exit.REFUSED) -> Failed:
    """A Failed, in one call: `raise fail("CODE", "what happened", "what was seen", hint="what to do")`."""
    return Failed(Failure(code, message, tuple(evidence), hint), exit)


LOOKING = ("wait", "check")  # actions that change nothing


@dataclass(frozen=True)
class Change:
    """One thing that a step will do. `diff` has its lines in unified form, secrets masked."""

    action: str  # create, update, delete, build, run, write, or one of LOOKING
    what: str
    diff: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.action} {self.what}"


@dataclass(frozen=True)
class Plan:
    """What a step will do; no changes means that it is done already. `deferred` says what has to be known first."""

    changes: tuple[Change, ...] = ()
    note: str = ""
    deferred: str = ""

    @property
    def empty(self) -> bool:
        return not self.changes and not self.deferred

    def exceeds(self, shown: Plan) -> bool:
        """Whether more would be changed than was shown. Less is fine: a Job or roll-out of before may have ended since.

        What was left open then, or is now, cannot be compared.
        """
        if self.deferred or shown.deferred:
            return False
        return bool({change for change in self.changes if change.action not in LOOKING} - set(shown.changes))


UNKNOWN = Plan(deferred="decided after build")


@dataclass(frozen=True)
class Outcome:
    """How the work of a step ended."""

    status: Status = Status.CHANGED
    summary: str = ""


@dataclass
class Result:
    """A step as the recap and the record tell it."""

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
    """The known name that was probably meant, or an empty string."""
    import difflib

    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return close[0] if close else ""
