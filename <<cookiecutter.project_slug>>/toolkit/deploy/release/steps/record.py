"""The record step: the release in the cluster's own history, and what no kept release refers to removed."""

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
    """The release in the cluster's own history; what no kept release refers to any more goes."""

    name, undoable, before_lock = "record", False, False

    def observe(self, target: Target) -> Any:
        # Once the release is changed there is nothing left to refuse.
        return records_of.last_good(target.records), [] if target.touched else quota_room.shortages(target)

    def plan(self, target: Target, seen: Any) -> Plan:
        """Raises Failed QUOTA when a record has to be written and a quota has no room for what the release adds."""
        last, short = seen
        fresh = any(
            not target.plans[name].empty for name in ("config", "migrate", "release", "rollout") if name in target.plans
        )
        if not fresh and target.on_record:
            return Plan(note=f"release {last.number}")
        if short:
            hint = "raise the quota, or remove what is no longer needed: `kubectl describe resourcequota`"
            raise fail("QUOTA", "the namespace's quota has no room for the objects of a release", *short, hint=hint)
        if target.objects is None:
            return UNKNOWN
        return Plan((Change("write", "the release's record"),))

    def apply(self, target: Target, plan: Plan) -> Outcome:
        """Old records go first: their room may be what the new one needs. Raises Failed; the release stays then."""
        record = target.new_record(records_of.GOOD)
        try:
            prune(target, [*target.records, record])
        except Failed as error:
            if error.failure.code == "LEASE_LOST":
                raise
            target.report.note(f"old records were not removed: {error.failure.code}: {error.failure.message}")
        return Outcome(summary=f"release {records_of.write(target.cluster, target.facts.name, record).number}")


def prune(target: Target, records: list[records_of.Record]) -> None:
    """Old records, and ConfigMaps, Secrets and finished Jobs of ours that no kept record refers to."""
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
