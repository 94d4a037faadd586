"""The rollout step: waits until the newest revision is complete and stable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Outcome, Plan
from toolkit.deploy.release.steps import Undecided

if TYPE_CHECKING:
    from toolkit.deploy.places.values import Running
    from toolkit.deploy.release.state import Known, Target

# The earlier steps that may resolve what the service waits for.
CHANGING = ("image", "config", "migrate", "release")


@dataclass(frozen=True)
class Progress:
    """`on_record`: this very release has held before, and passed its smoke test."""

    known: Known
    running: Running
    on_record: bool

    def plan(self) -> Plan:
        # The roll-out of a killed deployer may be complete, but its stability was not checked.
        held = self.known.plan_of("release").empty and not self.known.touched and self.on_record
        if held and self.running.complete:
            return Plan(note=self.running.summary)
        return Plan((Change("wait", f"for {self.running.name}"),))

    def learned(self) -> Known:
        return self.known


class Rollout:
    """The rollout step. Raises Failed with the first fault."""

    name, undoable, touches, before_lock = "rollout", True, False, False

    def observe(self, target: Target, known: Known) -> Progress | Undecided:
        """Plan. Raises Failed DATABASE_REFUSED for pods that need other settings."""
        if known.digest is None:
            return Undecided(known)
        running = target.place.running()
        idle = not known.touched and all(plan.empty for name, plan in known.plans.items() if name in CHANGING)
        if idle and not running.complete and (refusal := target.place.refusal_of_database()):
            raise refusal
        return Progress(known, running, target.on_record(known))

    def apply(self, target: Target, known: Known, plan: Plan) -> tuple[Outcome, Known]:
        env = target.environment
        return Outcome(summary=target.place.watch(env.rollout_seconds, env.hold)), known
