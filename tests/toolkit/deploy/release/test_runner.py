"""The runner: which steps are asked what, in which order, and how a play ends."""

import io
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.deploy.outcomes import Change, Exit, Failed, Failure, Outcome, Plan, Status, fail
from toolkit.deploy.places.kubernetes.api_errors import named
from toolkit.deploy.places.kubernetes.client import FieldConflict
from toolkit.deploy.places.kubernetes.retry import NotFound, WriteConflict
from toolkit.deploy.records import ReleaseRecord
from toolkit.deploy.release import runner
from toolkit.deploy.release.state import Known, Options
from toolkit.deploy.report import Plain, Report

CHANGE = Plan((Change("update", "it"),))


class Place:
    """A place that counts: its lock is free, and it keeps no records but in the log."""

    def __init__(self, log: list[str]) -> None:
        self.log, self.locked, self.writes, self.recovered = log, 0, 0, ""
        self.reading: Any = nullcontext
        self.explained: Any = named

    @contextmanager
    def lock(self, _: str) -> Iterator[None]:
        self.locked += 1
        yield

    def recover(self) -> str:
        return self.recovered

    def clear_orphan(self) -> bool:
        return False

    def records(self) -> list[ReleaseRecord]:
        return []

    def write_record(self, record: ReleaseRecord) -> ReleaseRecord:
        self.log.append(f"record {record.reason} {record.outcome}")
        return record


@dataclass(frozen=True)
class Observed:
    next: Plan
    known: Known

    def plan(self) -> Plan:
        return self.next

    def learned(self) -> Known:
        return self.known


@dataclass
class Step:
    """`plans` are given out one after the other; the last one again and again."""

    name: str
    log: list[str]
    plans: list[Plan] = field(default_factory=lambda: [Plan()])
    error: BaseException | None = None
    undoable: bool = False
    before_lock: bool = False

    @property
    def touches(self) -> bool:
        return self.undoable

    def observe(self, _: Any, known: Known) -> Observed:
        self.log.append(f"observe {self.name}")
        return Observed(self.plans.pop(0) if len(self.plans) > 1 else self.plans[0], known)

    def apply(self, target: Any, known: Known, plan: Plan) -> tuple[Outcome, Known]:
        self.log.append(f"apply {self.name}")
        target.place.writes += 1
        if self.error:
            raise self.error
        return Outcome(Status.CHANGED), known


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def target(log: list[str]) -> Any:
    return SimpleNamespace(
        place=Place(log),
        report=Report([Plain(io.StringIO())]),
        options=Options(),
        service="lamps",
        environment=SimpleNamespace(repository="r", driver="manifests"),
        confirm=lambda _: None,
        checkout=None,
        spec=lambda _: None,
    )


def played(target: Any, *steps: Any, undo: Any = None) -> int:
    def default_undo(_: Any, known: Known) -> tuple[Outcome, Known]:
        steps[0].log.append("undo")
        return Outcome(Status.RESCUED), known

    return runner.run(target, Known(), list(steps), undo or default_undo)


def applied(log: list[str]) -> list[str]:
    return [line for line in log if not line.startswith("observe")]


def test_all_plans_empty_means_no_lock_and_no_write(target: Any, log: list[str]) -> None:
    assert played(target, Step("one", log), Step("two", log)) == Exit.OK
    assert log == ["observe one", "observe two"]
    assert (target.place.locked, target.place.writes) == (0, 0)
    assert target.report.recap.counts()["ok"] == 2


@pytest.mark.parametrize(("exit_code", "code"), [(True, Exit.CHANGES), (False, Exit.OK)])
def test_check_plans_and_stops(target: Any, log: list[str], exit_code: bool, code: Exit) -> None:
    target.options = Options(check=True, exit_code=exit_code)
    assert played(target, Step("one", log, [CHANGE])) == code
    assert applied(log) == []
    assert target.place.locked == 0


def test_only_steps_with_changes_are_applied_under_the_lock(target: Any, log: list[str]) -> None:
    steps = Step("early", log, [CHANGE], before_lock=True), Step("idle", log), Step("busy", log, [CHANGE])
    assert played(target, *steps) == Exit.OK
    assert applied(log) == ["apply early", "apply busy"]
    assert target.place.locked == 1


MORE = Plan((*CHANGE.changes, Change("delete", "it")))
WAIT, NOTHING = Plan((Change("wait", "for it"),)), Plan()


@pytest.mark.parametrize("fresh", [NOTHING, WAIT], ids=["nothing is left", "only waiting is left"])
def test_less_than_was_shown_is_done(target: Any, log: list[str], fresh: Plan) -> None:
    """Work of a killed deployer may end between two checks."""
    steps = Step("one", log, [CHANGE, fresh]), Step("two", log, [WAIT, NOTHING])
    assert played(target, *steps) == Exit.OK


def test_more_than_was_shown_is_not_done(target: Any, log: list[str]) -> None:
    assert played(target, Step("one", log, [CHANGE, MORE])) == Exit.REFUSED
    assert applied(log) == []


def test_a_plan_that_has_changed_since_it_was_shown_ends_the_play(target: Any, log: list[str]) -> None:
    other = Plan((Change("delete", "it"),))
    assert played(target, Step("one", log, [CHANGE, other])) == Exit.REFUSED
    assert applied(log) == []


def test_what_was_recovered_may_change_the_plan(target: Any, log: list[str]) -> None:
    target.place.recovered = "a release that was left half-way"
    assert played(target, Step("one", log, [CHANGE, Plan((Change("delete", "it"),))])) == Exit.OK
    assert applied(log) == ["apply one"]


def test_what_was_left_open_is_planned_when_it_is_known(target: Any, log: list[str]) -> None:
    later = Plan(deferred="decided after build")
    assert played(target, Step("build", log, [CHANGE]), Step("use", log, [later, later, CHANGE])) == Exit.OK
    assert applied(log) == ["apply build", "apply use"]


def test_a_failure_before_the_release_undoes_nothing(target: Any, log: list[str]) -> None:
    broken = Step("migrate", log, [CHANGE], error=fail("MIGRATION_FAILED", "no"))
    assert played(target, broken, Step("release", log, [CHANGE], undoable=True)) == Exit.ROLLED_BACK
    assert applied(log) == ["apply migrate", "record MIGRATION_FAILED not_released"]


def test_a_failure_after_the_release_takes_it_back(target: Any, log: list[str]) -> None:
    release = Step("release", log, [CHANGE], undoable=True)
    broken = Step("rollout", log, [CHANGE], error=fail("CRASH_LOOP", "no"), undoable=True)
    assert played(target, release, broken) == Exit.ROLLED_BACK
    assert applied(log)[2:] == ["undo", "record CRASH_LOOP rolled_back"]


def test_what_cannot_be_taken_back_is_said(target: Any, log: list[str]) -> None:
    def undo(_: Any, __: Known) -> tuple[Outcome, Known]:
        raise fail("FORWARD_FIX", "a destructive migration has run")

    broken = Step("rollout", log, [CHANGE], error=fail("CRASH_LOOP", "no"), undoable=True)
    assert played(target, broken, undo=undo) == Exit.NOT_ROLLED_BACK
    assert applied(log)[-1] == "record CRASH_LOOP failed"


def test_a_lost_lock_undoes_nothing(target: Any, log: list[str]) -> None:
    lost = Failed(Failure("LEASE_LOST", "gone"), Exit.LOCKED)
    assert played(target, Step("rollout", log, [CHANGE], error=lost, undoable=True)) == Exit.LOCKED
    assert applied(log) == ["apply rollout"]


def test_a_refusal_while_planning_touches_nothing(target: Any, log: list[str]) -> None:
    step = Step("preflight", log)
    step.observe = lambda *_: (_ for _ in ()).throw(fail("SECRET_MISSING", "no"))  # type: ignore[method-assign]
    assert played(target, step, Step("release", log, [CHANGE])) == Exit.REFUSED
    assert applied(log) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_takes_the_release_back(target: Any, log: list[str], number: int, code: int) -> None:
    step = Step("rollout", log, [CHANGE], undoable=True)

    def interrupted(*_: Any) -> tuple[Outcome, Known]:
        os.kill(os.getpid(), number)
        raise AssertionError("the signal did nothing")

    step.apply = interrupted  # type: ignore[method-assign]
    assert played(target, step) == code
    assert applied(log) == ["undo", "record INTERRUPTED rolled_back"]


def test_a_signal_on_the_way_back_does_not_stop_it(target: Any, log: list[str]) -> None:
    def undo(_: Any, known: Known) -> tuple[Outcome, Known]:
        os.kill(os.getpid(), signal.SIGINT)
        log.append("undo")
        return Outcome(Status.RESCUED), known

    broken = Failed(Failure("CRASH_LOOP", "it ends"), Exit.ROLLED_BACK)
    step = Step("rollout", log, [CHANGE], error=broken, undoable=True)
    assert played(target, step, undo=undo) == Exit.ROLLED_BACK
    assert applied(log) == ["apply rollout", "undo", "record CRASH_LOOP rolled_back"]


def test_a_second_signal_ends_it_at_once(target: Any, log: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def undo(_: Any, known: Known) -> tuple[Outcome, Known]:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("the second signal did nothing")

    def ended(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", ended)
    step = Step("rollout", log, [CHANGE], error=Failed(Failure("CRASH_LOOP", "it ends")), undoable=True)
    with pytest.raises(SystemExit) as end:
        played(target, step, undo=undo)
    assert end.value.code == 143


@pytest.mark.parametrize("code", ["QUOTA", "FORBIDDEN", "CLUSTER_UNREACHABLE"])
def test_a_record_that_cannot_be_written_takes_nothing_back(target: Any, log: list[str], code: str) -> None:
    release = Step("release", log, [CHANGE], undoable=True)
    record = Step("record", log, [CHANGE], error=fail(code, "no room"))
    assert played(target, release, record) == Exit.NOT_RECORDED
    assert applied(log) == ["apply release", "apply record"]


def test_a_lock_lost_while_recording_is_still_a_lost_lock(target: Any, log: list[str]) -> None:
    lost = Failed(Failure("LEASE_LOST", "gone"), Exit.LOCKED)
    assert played(target, Step("release", log, [CHANGE], undoable=True), Step("record", log, [CHANGE], error=lost)) == (
        Exit.LOCKED
    )
    assert applied(log) == ["apply release", "apply record"]


def test_a_signal_while_recording_takes_nothing_back(target: Any, log: list[str]) -> None:
    def interrupted(*_: Any) -> tuple[Outcome, Known]:
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("the signal did nothing")

    record = Step("record", log, [CHANGE])
    record.apply = interrupted  # type: ignore[method-assign]
    assert played(target, Step("release", log, [CHANGE], undoable=True), record) == 130
    assert applied(log) == ["apply release"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound('namespaces "a" not found'), "NOT_FOUND"),
        (WriteConflict({"message": "the object has been modified"}), "CONFLICT"),
        (FieldConflict("Deployment/shop", ()), "DRIFT"),
    ],
)
def test_what_changes_between_a_plan_and_its_apply_is_no_traceback(
    target: Any, log: list[str], error: Exception, code: str
) -> None:
    """In a step, and on the way back."""

    def undo(_: Any, __: Known) -> tuple[Outcome, Known]:
        raise error

    broken = Step("release", log, [CHANGE], error=error, undoable=True)
    assert played(target, broken, undo=undo) == Exit.NOT_ROLLED_BACK
    assert applied(log)[-1] == f"record {code} failed"
