"""A play: steps that observe, plan and apply; the lock, the signals, and the rollback of a failed release.

Every step is first observed and planned without the lock. If all plans are empty, nothing is written. Otherwise the
lock is acquired, everything is observed again, and a plan that would now do more than was shown ends the play. `check`
and `diff` show the same plans that `apply` gets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from toolkit.deploy.interrupts import Interrupted, Signals
from toolkit.deploy.outcomes import Exit, Failed, Failure, Outcome, Plan, Result, Status, fail
from toolkit.deploy.places.kubernetes import api_errors
from toolkit.deploy.places.kubernetes.lock import Lease, clear_orphan

if TYPE_CHECKING:
    from toolkit.deploy.release.state import Target

    Undo = Callable[[Target, Failure], Outcome]


BOOK_KEEPING = "record"  # the step whose failure does not roll back a healthy release


class Step(Protocol):
    """A step. `observe` only reads; `plan` is pure; `apply` is called with a plan that is not empty.

    `undoable`: a failure of this step may roll back the release. `before_lock`: prerequisites of the lock.
    """

    name: str
    undoable: bool
    before_lock: bool

    def observe(self, target: Target) -> Any: ...
    def plan(self, target: Target, seen: Any) -> Plan: ...
    def apply(self, target: Target, plan: Plan) -> Outcome: ...


def run(target: Target, steps: Sequence[Step], undo: Undo) -> int:
    """Run and return the exit code. `undo` rolls back to the last good release, returns a summary, may raise Failed."""
    with Signals() as signals:
        try:
            return _run(target, steps, undo, signals)
        except Failed as error:
            target.report.failure(error.failure)
            return target.report.end(error.exit)
        except Interrupted as interrupt:
            state = "run the same command again" if target.touched else "the release is unchanged"
            target.report.note(f"interrupted by {interrupt}; {state}")
            return target.report.end(128 + interrupt.number)


def _run(target: Target, steps: Sequence[Step], undo: Undo, signals: Signals) -> int:
    options = target.options
    plans = look(target, steps)
    if options.check or options.diff:
        for step in steps:
            target.report.plan(step.name, plans[step.name], diff=options.diff)
    if all(plan.empty for plan in plans.values()):
        return _nothing_to_do(target, steps, plans)
    if options.check:
        for step in steps:
            status = Status.OK if plans[step.name].empty else Status.CHANGED
            target.report.result(Result(step.name, status, 0.0, plans[step.name].note))
        return target.report.end(Exit.CHANGES if options.exit_code else Exit.OK)
    target.confirm(plans)
    early = [step for step in steps if step.before_lock]
    for step in early:
        _apply(target, step, plans[step.name], signals)
    with Lease(target.cluster, target.facts.name, target.environment.lease_seconds, target.run_url) as lease:
        target.cluster.guard = lease.hold
        try:
            return _locked(target, [step for step in steps if not step.before_lock], plans, undo, signals)
        finally:
            target.cluster.guard = None


def _nothing_to_do(target: Target, steps: Sequence[Step], plans: dict[str, Plan]) -> int:
    for step in steps:
        target.report.result(Result(step.name, Status.OK, target.seconds.get(step.name, 0.0), plans[step.name].note))
    if not target.options.check and clear_orphan(target.cluster, target.facts.name):
        target.report.result(Result("lease", Status.RESCUED, 0.0, "of a deployer that was killed: gone"))
    return target.report.end(Exit.OK)


def look(target: Target, steps: Sequence[Step]) -> dict[str, Plan]:
    """Observe and plan every step, in order; a plan may depend on those before it (`target.plans`)."""
    target.plans = {}
    with target.cluster.reading():
        for step in steps:
            began = time.monotonic()
            target.report.start(step.name)
            target.plans[step.name] = step.plan(target, step.observe(target))
            target.seconds[step.name] = time.monotonic() - began
    return dict(target.plans)


def _locked(target: Target, steps: Sequence[Step], shown: dict[str, Plan], undo: Undo, signals: Signals) -> int:
    recovered = target.recover()
    fresh = look(target, steps)
    stale = [step.name for step in steps if fresh[step.name].exceeds(shown[step.name])]
    if stale and not recovered:
        raise fail(
            "PLAN_STALE",
            f"the plan is out of date: {', '.join(stale)}",
            hint="run the same command again",
        )
    for step in steps:
        try:
            plan = fresh[step.name]
            if plan.deferred or target.touched:
                with target.cluster.reading():
                    plan = target.plans[step.name] = step.plan(target, step.observe(target))
            _apply(target, step, plan, signals)
        except (Failed, Interrupted) as error:
            signals.way_back = True
            return _failed(target, step, error, undo)
    return target.report.end(Exit.OK)


def _apply(target: Target, step: Step, plan: Plan, signals: Signals) -> None:
    """Run a step, and report its outcome in any case."""
    target.report.start(step.name)
    began = time.monotonic()
    try:
        with api_errors.named():
            outcome = Outcome(Status.OK, plan.note) if plan.empty else step.apply(target, plan)
    except Failed as error:
        signals.way_back = True
        _done(target, step, Outcome(Status.FAILED, error.failure.code), began, error.failure)
        raise
    except Interrupted as error:
        _done(target, step, Outcome(Status.FAILED, str(error)), began)
        raise
    _done(target, step, outcome, began)


def _done(target: Target, step: Step, outcome: Outcome, began: float, failure: Failure | None = None) -> None:
    spent = time.monotonic() - began
    target.seconds[step.name] = target.seconds.get(step.name, 0.0) + spent
    target.report.result(Result(step.name, outcome.status, spent, outcome.summary, failure))


def _failed(target: Target, step: Step, error: Failed | Interrupted, undo: Undo) -> int:
    """Show the reason, roll back if the release was changed and a rollback is allowed, and return the exit code."""
    interrupted = isinstance(error, Interrupted)
    failure = Failure("INTERRUPTED", f"interrupted by {error} during {step.name}") if interrupted else error.failure
    if not interrupted:
        target.report.failure(failure)
    if failure.code == "LEASE_LOST":
        return target.report.end(Exit.LOCKED)  # another deploy is in control now
    if step.name == BOOK_KEEPING:
        target.report.note(f"the release is serving and is kept; run the same command again to record it ({step.name})")
        return target.report.end(128 + error.number if interrupted else Exit.NOT_RECORDED)
    if not (target.touched or step.undoable):
        ended = Exit.ROLLED_BACK if not interrupted and error.exit == Exit.REFUSED and target.cluster.writes else None
        code = 128 + error.number if interrupted else (ended or error.exit)
        target.report.note("the running release was not changed")
        target.record_failure(failure, "not_released")
        return target.report.end(code)
    return _undo(target, failure, undo, 128 + error.number if interrupted else Exit.ROLLED_BACK)


def _undo(target: Target, failure: Failure, undo: Undo, code: int) -> int:
    target.report.start("undo")
    began = time.monotonic()
    try:
        with api_errors.named():
            outcome = undo(target, failure)
    except Failed as error:
        target.report.result(Result("undo", Status.FAILED, time.monotonic() - began, error.failure.code))
        target.report.failure(error.failure)
        if error.failure.code == "LEASE_LOST":
            return target.report.end(Exit.LOCKED)
        target.record_failure(failure, "failed")
        return target.report.end(Exit.NOT_ROLLED_BACK)
    target.report.result(Result("undo", outcome.status, time.monotonic() - began, outcome.summary))
    target.record_failure(failure, "rolled_back")
    return target.report.end(code)
