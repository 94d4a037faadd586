"""A deploy: steps that observe, plan and apply; the lock, the signals, and the way back when a release fails.

Every step is first observed and planned without the lock. All plans empty: nothing is written. Otherwise the lock is
taken, everything is looked at again, and a plan that would now do more than was shown ends the deploy. `check` and
`diff` show the very plans that `apply` gets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from toolkit.deploy.interrupts import Interrupted, Signals
from toolkit.deploy.outcomes import Exit, Failed, Failure, Outcome, Plan, Result, Status, fail
from toolkit.deploy.release.history import record_failure, run_url
from toolkit.deploy.release.traffic import PLAN
from toolkit.exit_codes import SIGNALLED

if TYPE_CHECKING:
    from toolkit.deploy.release.state import Known, Target
    from toolkit.deploy.release.steps.protocol import Step

    Undo = Callable[[Target, Known], tuple[Outcome, Known]]


BOOK_KEEPING = "record"  # the step whose failure does not roll back a healthy release


def run(target: Target, known: Known, steps: Sequence[Step], undo: Undo) -> int:
    """Run and return the exit code. `undo` rolls back to the last good release, returns a summary, may raise Failed."""
    with Signals() as signals:
        deploy = _Deploy(target, known, signals, undo)
        try:
            return deploy.run(steps)
        except Failed as error:
            target.report.failure(error.failure)
            return target.report.end(error.exit)
        except Interrupted as interrupt:
            state = "run the same command again" if deploy.known.touched else "the release is unchanged"
            target.report.note(f"interrupted by {interrupt}; {state}")
            return target.report.end(SIGNALLED + interrupt.number)


@dataclass
class _Deploy:
    """One run. `known` is replaced by what each step returns, and by nothing else."""

    target: Target
    known: Known
    signals: Signals
    undo: Undo

    def run(self, steps: Sequence[Step]) -> int:
        target, options = self.target, self.target.options
        plans = self.look(steps)
        if options.check or options.diff:
            for step in steps:
                target.report.plan(step.name, plans[step.name], diff=options.diff)
        if all(plan.empty for plan in plans.values()):
            return self._nothing_to_do(steps, plans)
        if options.check:
            for step in steps:
                status = Status.OK if plans[step.name].empty else Status.CHANGED
                target.report.result(Result(step.name, status, 0.0, plans[step.name].note))
            return target.report.end(Exit.CHANGES if options.exit_code else Exit.OK)
        target.confirm(plans)
        if target.report.traffic:
            target.report.traffic.count(PLAN)
        for step in steps:
            if step.before_lock:
                self._apply(step, plans[step.name])
        with target.place.lock(run_url()):
            return self._locked([step for step in steps if not step.before_lock], plans)

    def look(self, steps: Sequence[Step]) -> dict[str, Plan]:
        """Observe and plan every step, in order; a plan may depend on those before it (`known.plans`)."""
        self.known = replace(self.known, plans={})
        with self.target.place.reading():
            for step in steps:
                began = time.monotonic()
                self.target.report.start(step.name)
                self._plan(step)
                self._spent(step.name, time.monotonic() - began, add=False)
        return dict(self.known.plans)

    def _plan(self, step: Step) -> Plan:
        observed = step.observe(self.target, self.known)
        plan = observed.plan()
        self.known = replace(observed.learned(), plans={**self.known.plans, step.name: plan})
        return plan

    def _nothing_to_do(self, steps: Sequence[Step], plans: dict[str, Plan]) -> int:
        report = self.target.report
        for step in steps:
            spent = self.known.seconds.get(step.name, 0.0)
            report.result(Result(step.name, Status.OK, spent, plans[step.name].note))
        if not self.target.options.check and self.target.place.clear_orphan():
            report.result(Result("lease", Status.RESCUED, 0.0, "of a deployer that was killed: gone"))
        return report.end(Exit.OK)

    def _locked(self, steps: Sequence[Step], shown: dict[str, Plan]) -> int:
        recovered = self.target.place.recover()
        if recovered:
            self.target.report.result(Result("recover", Status.RESCUED, 0.0, recovered))
        fresh = self.look(steps)
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
                if plan.deferred or self.known.touched:
                    with self.target.place.reading():
                        plan = self._plan(step)
                self._apply(step, plan)
            except (Failed, Interrupted) as error:
                self.signals.way_back = True
                return self._failed(step, error)
        return self.target.report.end(Exit.OK)

    def _apply(self, step: Step, plan: Plan) -> None:
        """Run a step, and report its outcome in any case."""
        self.target.report.start(step.name)
        began = time.monotonic()
        outcome = Outcome(Status.OK, plan.note)
        try:
            with self.target.place.explained():
                if not plan.empty:
                    self.known = replace(self.known, touched=self.known.touched or step.touches)
                    outcome, self.known = step.apply(self.target, self.known, plan)
        except Failed as error:
            self.signals.way_back = True
            self._done(step, Outcome(Status.FAILED, error.failure.code), began, error.failure)
            raise
        except Interrupted as error:
            self._done(step, Outcome(Status.FAILED, str(error)), began)
            raise
        self._done(step, outcome, began)

    def _done(self, step: Step, outcome: Outcome, began: float, failure: Failure | None = None) -> None:
        spent = time.monotonic() - began
        self._spent(step.name, spent)
        self.target.report.result(Result(step.name, outcome.status, spent, outcome.summary, failure))

    def _spent(self, name: str, seconds: float, *, add: bool = True) -> None:
        total = seconds + (self.known.seconds.get(name, 0.0) if add else 0.0)
        self.known = replace(self.known, seconds={**self.known.seconds, name: total})

    def _failed(self, step: Step, error: Failed | Interrupted) -> int:
        """Show the reason, roll back if the release was changed and a rollback is allowed, and return the exit code."""
        report = self.target.report
        if isinstance(error, Interrupted):
            failure, code = (
                Failure("INTERRUPTED", f"interrupted by {error} during {step.name}"),
                SIGNALLED + error.number,
            )
        else:
            failure, code = error.failure, None
            report.failure(failure)
        if failure.code == "LEASE_LOST":
            return report.end(Exit.LOCKED)  # another deploy is in control now
        if step.name == BOOK_KEEPING:
            report.note(f"the release is serving and is kept; run the same command again to record it ({step.name})")
            return report.end(code or Exit.NOT_RECORDED)
        if not (self.known.touched or step.undoable):
            if isinstance(error, Failed):
                refused = error.exit == Exit.REFUSED and self.target.place.writes
                code = Exit.ROLLED_BACK if refused else error.exit
            report.note("the running release was not changed")
            record_failure(self.target, self.known, failure, "not_released")
            return report.end(code or Exit.OK)
        return self._undo(failure, code or Exit.ROLLED_BACK)

    def _undo(self, failure: Failure, code: int) -> int:
        report = self.target.report
        report.start("undo")
        began = time.monotonic()
        try:
            with self.target.place.explained():
                outcome, self.known = self.undo(self.target, self.known)
        except Failed as error:
            report.result(Result("undo", Status.FAILED, time.monotonic() - began, error.failure.code))
            report.failure(error.failure)
            if error.failure.code == "LEASE_LOST":
                return report.end(Exit.LOCKED)
            record_failure(self.target, self.known, failure, "failed")
            return report.end(Exit.NOT_ROLLED_BACK)
        report.result(Result("undo", outcome.status, time.monotonic() - began, outcome.summary))
        record_failure(self.target, self.known, failure, "rolled_back")
        return report.end(code)
