"""The runner: which steps are asked what, in which order, and how a play ends."""

import io
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.deploy.outcomes import Change, Exit, Failed, Failure, Outcome, Plan, Status, fail
from toolkit.deploy.places.kubernetes.client import Conflicted
from toolkit.deploy.places.kubernetes.retry import NotThere, Stale
from toolkit.deploy.release import runner
from toolkit.deploy.release.state import Options
from toolkit.deploy.report import Plain, Report

CHANGE = Plan((Change("update", "it"),))


class Lease:
    """Stands in for the cluster's: held, and counted."""

    taken = 0

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> "Lease":
        Lease.taken += 1
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def hold(self) -> None:
        pass


class Cluster:
    guard: Any = None
    writes = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        yield


@dataclass
class Step:
    """`plans` are given out one after the other; the last one again and again."""

    name: str
    log: list[str]
    plans: list[Plan] = field(default_factory=lambda: [Plan()])
    error: BaseException | None = None
    undoable: bool = False
    before_lock: bool = False

    def observe(self, _: Any) -> None:
        self.log.append(f"observe {self.name}")

    def plan(self, _: Any, __: Any) -> Plan:
        return self.plans.pop(0) if len(self.plans) > 1 else self.plans[0]

    def apply(self, target: Any, plan: Plan) -> Outcome:
        self.log.append(f"apply {self.name}")
        target.cluster.writes += 1
        target.touched = target.touched or self.undoable
        if self.error:
            raise self.error
        return Outcome(Status.CHANGED)


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch, log: list[str]) -> Any:
    monkeypatch.setattr(runner, "Lease", Lease)
    monkeypatch.setattr(runner, "clear_orphan", lambda *_: False)
    Lease.taken = 0
    made = SimpleNamespace(
        cluster=Cluster(),
        report=Report([Plain(io.StringIO())]),
        options=Options(),
        plans={},
        seconds={},
        touched=False,
        run_url="",
        facts=SimpleNamespace(name="lamps"),
        environment=SimpleNamespace(lease_seconds=60),
        confirm=lambda _: None,
        recover=lambda: False,
    )
    made.record_failure = lambda failure, outcome: log.append(f"record {failure.code} {outcome}")
    return made


def played(target: Any, *steps: Any, undo: Any = None) -> int:
    def default_undo(_: Any, failure: Failure) -> Outcome:
        steps[0].log.append(f"undo {failure.code}")
        return Outcome(Status.RESCUED)

    return runner.run(target, list(steps), undo or default_undo)


def applied(log: list[str]) -> list[str]:
    return [line for line in log if not line.startswith("observe")]


def test_all_plans_empty_means_no_lock_and_no_write(target: Any, log: list[str]) -> None:
    assert played(target, Step("one", log), Step("two", log)) == Exit.OK
    assert log == ["observe one", "observe two"]
    assert (Lease.taken, target.cluster.writes) == (0, 0)
    assert target.report.recap.counts()["ok"] == 2


@pytest.mark.parametrize(("exit_code", "code"), [(True, Exit.CHANGES), (False, Exit.OK)])
def test_check_plans_and_stops(target: Any, log: list[str], exit_code: bool, code: Exit) -> None:
    target.options = Options(check=True, exit_code=exit_code)
    assert played(target, Step("one", log, [CHANGE])) == code
    assert applied(log) == []
    assert Lease.taken == 0


def test_only_steps_with_changes_are_applied_under_the_lock(target: Any, log: list[str]) -> None:
    steps = Step("early", log, [CHANGE], before_lock=True), Step("idle", log), Step("busy", log, [CHANGE])
    assert played(target, *steps) == Exit.OK
    assert applied(log) == ["apply early", "apply busy"]
    assert Lease.taken == 1
    assert target.cluster.guard is None


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
    target.recover = lambda: True
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
    assert applied(log)[2:] == ["undo CRASH_LOOP", "record CRASH_LOOP rolled_back"]


def test_what_cannot_be_taken_back_is_said(target: Any, log: list[str]) -> None:
    def undo(_: Any, __: Failure) -> Outcome:
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
    step.plan = lambda *_: (_ for _ in ()).throw(fail("SECRET_MISSING", "no"))  # type: ignore[method-assign]
    assert played(target, step, Step("release", log, [CHANGE])) == Exit.REFUSED
    assert applied(log) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_takes_the_release_back(target: Any, log: list[str], number: int, code: int) -> None:
    step = Step("rollout", log, [CHANGE], undoable=True)

    def interrupted(target: Any, _: Plan) -> Outcome:
        target.touched = True
        os.kill(os.getpid(), number)
        raise AssertionError("the signal did nothing")

    step.apply = interrupted  # type: ignore[method-assign]
    assert played(target, step) == code
    assert applied(log) == ["undo INTERRUPTED", "record INTERRUPTED rolled_back"]


def test_a_signal_on_the_way_back_does_not_stop_it(target: Any, log: list[str]) -> None:
    def undo(_: Any, failure: Failure) -> Outcome:
        os.kill(os.getpid(), signal.SIGINT)
        log.append(f"undo {failure.code}")
        return Outcome(Status.RESCUED)

    broken = Failed(Failure("CRASH_LOOP", "it ends"), Exit.ROLLED_BACK)
    step = Step("rollout", log, [CHANGE], error=broken, undoable=True)
    assert played(target, step, undo=undo) == Exit.ROLLED_BACK
    assert applied(log) == ["apply rollout", "undo CRASH_LOOP", "record CRASH_LOOP rolled_back"]


def test_a_second_signal_ends_it_at_once(target: Any, log: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def undo(_: Any, failure: Failure) -> Outcome:
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
    def interrupted(*_: Any) -> Outcome:
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("the signal did nothing")

    record = Step("record", log, [CHANGE])
    record.apply = interrupted  # type: ignore[method-assign]
    assert played(target, Step("release", log, [CHANGE], undoable=True), record) == 130
    assert applied(log) == ["apply release"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotThere('namespaces "a" not found'), "NOT_FOUND"),
        (Stale({"message": "the object has been modified"}), "CONFLICT"),
        (Conflicted("Deployment/shop", ()), "DRIFT"),
    ],
)
def test_what_changes_between_a_plan_and_its_apply_is_no_traceback(
    target: Any, log: list[str], error: Exception, code: str
) -> None:
    """In a step, and on the way back."""

    def undo(_: Any, __: Failure) -> Outcome:
        raise error

    broken = Step("release", log, [CHANGE], error=error, undoable=True)
    assert played(target, broken, undo=undo) == Exit.NOT_ROLLED_BACK
    assert applied(log)[-1] == f"record {code} failed"
