"""The release step: every object except the configuration and the migration."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Outcome, Plan
from toolkit.deploy.release.steps import Undecided
from toolkit.deploy.release.steps.config import Compared

if TYPE_CHECKING:
    from toolkit.deploy.release.state import Known, Target


class Apply:
    """The release step. After its first change, a failure rolls back the release."""

    name, undoable, touches, before_lock = "release", True, True, False

    def observe(self, target: Target, known: Known) -> Compared | Undecided:
        spec = target.spec(known)
        return Compared(known, target.place.observe(spec)) if spec else Undecided(known)

    def apply(self, target: Target, known: Known, plan: Plan) -> tuple[Outcome, Known]:
        revision = target.place.apply(target.required_spec(known), plan)
        summary = ", ".join(filter(None, [*map(str, plan.changes), plan.note]))
        return Outcome(summary=summary), replace(known, revision=revision)
