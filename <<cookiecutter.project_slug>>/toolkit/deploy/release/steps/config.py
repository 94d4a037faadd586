"""The config step: objects that must exist before the migration runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Outcome, Plan
from toolkit.deploy.release.steps import Undecided

if TYPE_CHECKING:
    from toolkit.deploy.places import Observation
    from toolkit.deploy.release.state import Known, Target


@dataclass(frozen=True)
class Compared:
    known: Known
    place: Observation

    def plan(self) -> Plan:
        return self.place.plan()

    def learned(self) -> Known:
        return self.known


class Config:
    """Settings and secrets under names that carry their content: old pods keep what they started with."""

    name, undoable, touches, before_lock = "config", False, False, False

    def observe(self, target: Target, known: Known) -> Compared | Undecided:
        spec = target.spec(known)
        return Compared(known, target.place.observe_configuration(spec)) if spec else Undecided(known)

    def apply(self, target: Target, known: Known, plan: Plan) -> tuple[Outcome, Known]:
        mark = target.place.apply_configuration(target.required_spec(known), plan)
        return Outcome(summary=", ".join(change.what for change in plan.changes)), replace(known, mark=mark)
