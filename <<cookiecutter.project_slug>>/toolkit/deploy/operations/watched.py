"""A change of the running instances, watched to a verdict like a release, and taken back if it fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from toolkit.deploy.interrupts import Interrupted, Signals
from toolkit.deploy.outcomes import Exit, Failed, Failure, Plan, Result, Status
from toolkit.deploy.release.history import record_operation, run_url
from toolkit.deploy.release.steps.smoke import check_version
from toolkit.exit_codes import SIGNALLED

if TYPE_CHECKING:
    from toolkit.deploy.places.operations import Undo
    from toolkit.deploy.release.state import Target


def watched(
    target: Target,
    step: str,
    plan: Plan,
    begin: Callable[[], Undo],
    outcome: str,
    detail: str,
    *,
    idle: bool = False,
) -> int:
    """Begin a change under the lock and watch it as a deploy does; a failed one is taken back.

    `idle`: no instance will answer.
    """
    report, place, env = target.report, target.place, target.environment
    report.play(f"{step} {target.service} in {env.name} ({place.name})")
    target.confirm({step: plan})
    with Signals() as signals, place.lock(run_url()), place.explained():
        report.start(step)
        began, undo, digest = time.monotonic(), begin(), place.running_digest()
        try:
            summary = place.watch(env.rollout_seconds, env.hold)
            if not idle:
                check_version(target, digest)
        except (Failed, Interrupted) as error:
            signals.way_back = True
            known = isinstance(error, Failed)
            failure = error.failure if known else Failure("INTERRUPTED", f"interrupted by {error}")
            report.result(Result(step, Status.FAILED, time.monotonic() - began, failure.code))
            if known:
                report.failure(failure)
            if failure.code == "LEASE_LOST":
                return report.end(Exit.LOCKED)  # another deploy is in control now
            if not _undone(target, undo):
                return report.end(Exit.NOT_ROLLED_BACK)
            return report.end(Exit.ROLLED_BACK if known else SIGNALLED + error.number)
        report.result(Result(step, Status.CHANGED, time.monotonic() - began, summary))
        record_operation(target, outcome, detail)
        return report.end(Exit.OK)


def _undone(target: Target, undo: Undo) -> bool:
    """Take the change back, and report whether the instances are as before."""
    began = time.monotonic()
    try:
        undo()
        summary = target.place.watch(target.environment.rollout_seconds, 1)
    except Failed as error:
        target.report.result(Result("undo", Status.FAILED, time.monotonic() - began, error.failure.code))
        target.report.failure(error.failure)
        return False
    target.report.result(Result("undo", Status.RESCUED, time.monotonic() - began, summary))
    return True
