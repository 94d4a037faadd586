"""The first step: all checks before any change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from toolkit.deploy import migrations
from toolkit.deploy.outcomes import Failed, Outcome, Plan
from toolkit.deploy.records import last_good
from toolkit.deploy.release import commits, schemas, settings
from toolkit.deploy.release.steps import smoke

if TYPE_CHECKING:
    from toolkit.deploy.places import Prerequisites
    from toolkit.deploy.release.settings import Given
    from toolkit.deploy.release.state import Known, Target
    from toolkit.dev.service import Verdict


@dataclass(frozen=True)
class Checked:
    """`judged`: the pods' settings with the service's verdict; None where they are not asked for.

    `too_early`: why a contract revision of the checkout may not run yet, so that no image is built for it.
    """

    target: Target
    known: Known
    place: Prerequisites
    judged: tuple[Given, Verdict] | None
    too_early: Failed | None = None

    def plan(self) -> Plan:
        """Raises Failed DIRTY_CHECKOUT, SETTINGS_REFUSED, CONTRACT_TOO_EARLY, and what the place lacks or refuses."""
        if self.target.environment.clean_checkout and not self.known.again:
            commits.require_clean(self.target.checkout)
        plan = self.place.plan()
        if self.judged and self.judged[1].problems:
            raise settings.refusal(self.target.environment, *self.judged, self.target.place.change_secret)
        if self.place.refused:
            raise self.place.refused
        if self.too_early:
            raise self.too_early
        notes = self.judged[1].notes if self.judged else ()
        return replace(plan, note="; ".join((plan.note, *notes)))

    def learned(self) -> Known:
        return replace(self.known, mark=self.place.variables.mark)


def _on_record(target: Target, mark: str) -> bool:
    """Return True if this commit has passed the check with these settings: the last good release is of both."""
    last, here = last_good(target.place.records()), target.checkout
    if last is None or here is None or here.changed or here.revision != last.git:
        return False
    return target.place.is_recorded(replace(target.unbuilt(), digest=last.digest, mark=mark), last)


class Preflight:
    """The preflight step: lints, the place's prerequisites, settings, permissions."""

    name, undoable, touches, before_lock = "preflight", False, False, True

    def observe(self, target: Target, known: Known) -> Checked:
        place, rollback = target.place, known.again is not None
        place.require_programs()
        builds = not (target.environment.image or known.digest)  # else the head is in the image's own label
        found = migrations.load(target.project) if builds else None
        head = migrations.head_of(found) if found else ""
        spec = target.unbuilt()
        place.check(spec)
        smoke.require_caller(target)
        prerequisites = place.prerequisites(spec, rollback=rollback)
        # A rollback uses settings with which its release has served, and the check belongs to other code.
        judged, too_early = None, None
        if not (prerequisites.denied or rollback or _on_record(target, prerequisites.variables.mark)):
            pods = settings.given(target.service, target.environment, target.secrets, prerequisites.variables)
            judged = pods, target.check.judge(pods)
        if not (prerequisites.denied or rollback):
            too_early = schemas.contract_refusal(target, found, head) if found else None
        return Checked(target, known, prerequisites, judged, too_early)

    def apply(self, target: Target, known: Known, plan: Plan) -> tuple[Outcome, Known]:
        return Outcome(summary=target.place.create()), known
