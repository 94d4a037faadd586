"""The canary step: the new version serves a growing share of the requests, and is compared with the running one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Exit, Outcome, Plan, fail
from toolkit.deploy.release import canary as comparison
from toolkit.deploy.release.steps import Undecided, smoke

if TYPE_CHECKING:
    from toolkit.deploy.places import Canary as Candidate
    from toolkit.deploy.release.state import Known, Target

POLL_SECONDS = 2.0
# A share lasts up to this many times its seconds, until the new version has served enough requests to be compared.
LONGEST = 3


@dataclass(frozen=True)
class Candidates:
    """`candidate`: None for a release that needs none."""

    known: Known
    candidate: Candidate | None

    def plan(self) -> Plan:
        if self.candidate is None:
            return Plan()
        shares = ", ".join(f"{weight} %" for weight in self.candidate.weights)
        return Plan((Change("run", f"a canary with {shares} of the requests"),))

    def learned(self) -> Known:
        return self.known


class Canary:
    """The canary step. The running release is unchanged until it has passed."""

    name, undoable, touches, before_lock = "canary", False, False, False

    def observe(self, target: Target, known: Known) -> Candidates | Undecided:
        spec = target.spec(known)
        return Undecided(known) if spec is None else Candidates(known, target.place.canary(spec))

    def apply(self, target: Target, known: Known, plan: Plan) -> tuple[Outcome, Known]:
        """Raises Failed CANARY_WORSE with the figures, WRONG_VERSION, or the verdict on its instances."""
        candidate = target.place.canary(target.required_spec(known))
        if candidate is None:
            return Outcome(summary="no candidate is needed any more"), known
        seen = ""
        try:
            for weight in candidate.weights:
                target.report.progress(self.name, f"{weight} %: starting")
                candidate.start(weight)
                smoke.check_version(target, known.digest or "", candidate.ask)
                seen = _compared(target, candidate, weight)
        finally:
            target.report.progress(self.name, "ends: the running version gets all requests")
            candidate.end()
        return Outcome(
            summary=f"passed {', '.join(f'{weight} %' for weight in candidate.weights)}; last: {seen}"
        ), known


def _compared(target: Target, candidate: Candidate, weight: int) -> str:
    """Watch one share for its time, and return the candidate's figures. Raises Failed."""
    candidate.shift(weight)
    before, began = candidate.figures(), time.monotonic()
    while True:
        target.place.require_lock()
        candidate.check()
        after = candidate.figures()
        running, new = (comparison.between(*pair) for pair in zip(before, after, strict=True))
        if worse := comparison.fault(running, new, candidate.limits):
            raise fail(
                "CANARY_WORSE",
                f"the new version was taken back at {weight} % of the requests: {worse}",
                f"new version:     {comparison.summary(new)}",
                f"running version: {comparison.summary(running)}",
                hint="see the new version's responses in your logs and traces, correct it, and deploy again; the "
                f"limits are {candidate.limits.keys} in deploy/inventory.yaml",
                exit=Exit.ROLLED_BACK,
            )
        lasted = time.monotonic() - began
        if lasted >= candidate.seconds * (1 if comparison.comparable(new) else LONGEST):
            return comparison.summary(new)
        target.report.progress("canary", f"{weight} %: {comparison.summary(new)}")
        time.sleep(POLL_SECONDS)
