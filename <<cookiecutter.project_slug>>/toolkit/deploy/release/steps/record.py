"""The record step: writes the release to the cluster's history, and removes unreferenced objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import UNKNOWN, Change, Failed, Outcome, Plan, fail
from toolkit.deploy.places.kubernetes import quota_room
from toolkit.deploy.places.kubernetes.objects import identity
from toolkit.deploy.release import history as records_of
from toolkit.deploy.release.spec import LABEL

if TYPE_CHECKING:
    from toolkit.deploy.release.state import Target

CONFIG_APIS = (("v1", "ConfigMap"), ("v1", "Secret"), ("batch/v1", "Job"))


class Record:
    """The record step: writes the history, and removes objects that no kept release refers to."""

    name, undoable, before_lock = "record", False, False

    def observe(self, target: Target) -> Any:
        # After a change of the release it is too late to refuse.
        return records_of.last_good(target.records), [] if target.touched else quota_room.shortages(target)

    def plan(self, target: Target, seen: Any) -> Plan:
        """Plan. Raises Failed QUOTA if a quota has no capacity for the record and the objects of the release."""
        last, short = seen
        fresh = any(
            not target.plans[name].empty for name in ("config", "migrate", "release", "rollout") if name in target.plans
        )
        if not fresh and target.on_record:
            return Plan(note=f"release {last.number}")
        if short:
            hint = "raise the quota, or remove what is no longer needed: `kubectl describe resourcequota`"
            raise fail("QUOTA", "the namespace's quota has no capacity for the objects of a release", *short, hint=hint)
        if target.objects is None:
            return UNKNOWN
        return Plan((Change("write", "the release's record"),))

    def apply(self, target: Target, plan: Plan) -> Outcome:
        """Remove old records first, to free quota for the new one. Raises Failed; the release is kept then."""
        record = target.new_record(records_of.GOOD)
        try:
            prune(target, [*target.records, record])
        except Failed as error:
            if error.failure.code == "LEASE_LOST":
                raise
            target.report.note(f"old records were not removed: {error.failure.code}: {error.failure.message}")
        return Outcome(summary=f"release {records_of.write(target.cluster, target.facts.name, record).number}")


def prune(target: Target, records: list[records_of.Record]) -> None:
    """Return old records, and our ConfigMaps, Secrets and finished Jobs that no kept record refers to."""
    cluster, service = target.cluster, target.facts.name
    gone = records_of.prune(records, target.environment.history)
    for old in gone:
        cluster.delete("v1", "ConfigMap", f"{service}-release-{old.number}")
    kept = records_of.referenced([old for old in records if old not in gone])
    kept |= {identity(item) for item in target.objects or ()}
    for api, kind in CONFIG_APIS:
        for item in cluster.list(api, kind, f"{LABEL}={service}"):
            if identity(item) not in kept:
                cluster.delete(api, kind, item["metadata"]["name"])
