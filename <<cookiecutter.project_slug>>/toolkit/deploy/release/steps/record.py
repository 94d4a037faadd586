"""The record step: writes the release to the history, and removes unreferenced objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Failed, Outcome, Plan, fail
from toolkit.deploy.records import GOOD, ReleaseRecord, last_good, prune
from toolkit.deploy.release.history import new_record
from toolkit.deploy.release.steps import Undecided

if TYPE_CHECKING:
    from toolkit.deploy.release.state import Known, Target

# Where one of these has changed something, the release is another one than that on record.
CHANGING = ("config", "migrate", "release", "rollout")


@dataclass(frozen=True)
class Room:
    """`short`: limits without room for what the release adds. `last`: the last good release, where it is this one."""

    known: Known
    last: ReleaseRecord | None
    short: Sequence[str]

    def plan(self) -> Plan:
        """Plan. Raises Failed QUOTA if a quota has no capacity for the record and the objects of the release."""
        fresh = any(not plan.empty for name, plan in self.known.plans.items() if name in CHANGING)
        if not fresh and self.last:
            return Plan(note=f"release {self.last.number}")
        if self.short:
            hint = "raise the quota, or remove what is no longer needed: `kubectl describe resourcequota`"
            raise fail(
                "QUOTA", "the namespace's quota has no capacity for the objects of a release", *self.short, hint=hint
            )
        if self.known.digest is None:
            return Undecided(self.known).plan()
        return Plan((Change("write", "the release's record"),))

    def learned(self) -> Known:
        return self.known


class Record:
    name, undoable, touches, before_lock = "record", False, False, False

    def observe(self, target: Target, known: Known) -> Room:
        last = last_good(target.place.records()) if target.on_record(known) else None
        if known.touched:  # after a change of the release it is too late to refuse
            return Room(known, last, ())
        spec, migrates = target.spec(known) or target.unbuilt(), not known.plan_of("migrate").empty
        return Room(known, last, target.place.shortages(spec, migrates=migrates, release=known.plan_of("release")))

    def apply(self, target: Target, known: Known, plan: Plan) -> tuple[Outcome, Known]:
        """Remove old records first, to free quota for the new one. Raises Failed; the release is kept then."""
        record = new_record(target, known, GOOD)
        records = [*target.place.records(), record]
        gone = prune(records, target.environment.history)
        try:
            target.place.prune(gone, [old for old in records if old not in gone], target.required_spec(known))
        except Failed as error:
            if error.failure.code == "LEASE_LOST":
                raise
            target.report.note(f"old records were not removed: {error.failure.code}: {error.failure.message}")
        return Outcome(summary=f"release {target.place.write_record(record).number}"), known
