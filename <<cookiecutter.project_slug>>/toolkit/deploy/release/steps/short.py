"""The steps of a deploy that fit on a page: image, config, release, record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.deploy.image import platforms, registry
from toolkit.deploy.outcomes import Change, Failed, Outcome, Plan, fail
from toolkit.deploy.places.kubernetes import apply as applying
from toolkit.deploy.places.kubernetes import quota_room, quotas, sources
from toolkit.deploy.places.kubernetes.client import MANAGER
from toolkit.deploy.places.kubernetes.naming import is_generated, is_migration
from toolkit.deploy.places.kubernetes.objects import CONFIG_KINDS, Object, identity
from toolkit.deploy.release import commits
from toolkit.deploy.release import history as records_of
from toolkit.deploy.release.spec import LABEL

if TYPE_CHECKING:
    from toolkit.deploy.release.state import Target

UNKNOWN = Plan(deferred="decided after build")
CONFIG_APIS = (("v1", "ConfigMap"), ("v1", "Secret"), ("batch/v1", "Job"))


class Image:
    """The image by digest: given by the inventory, in the registry under its content key, or built."""

    name, undoable, before_lock = "image", False, False

    def observe(self, target: Target) -> Any:
        key, digest = self._look(target)
        if digest:
            target.ahead.close()
        last = records_of.last_good(target.records)
        if last and last.digest == digest:
            return key, digest, None, []  # it runs there already
        return key, digest, _about(target, digest), _nodes(target)

    def plan(self, target: Target, seen: Any) -> Plan:
        """Raises Failed OLDER, and IMG_PLATFORM for an image that the nodes can't run."""
        key, digest, about, nodes = seen
        given = commits.Commit(about.commit) if about and about.commit and target.environment.image else None
        _refuse_older(target, given)
        if about and (unfit := platforms.misfit(about.platforms, nodes, target.environment)):
            raise Failed(unfit)
        if digest:
            target.digest = digest
            target.image_commit = about.commit if about else _commit_on_record(target, digest)
            return Plan(note=digest)
        return Plan((Change("build", f"{target.environment.repository}:{key}"),))

    def apply(self, target: Target, plan: Plan) -> Outcome:
        from toolkit.deploy.image import build as image

        env = target.environment
        tag = plan.changes[0].what.rpartition(":")[2]
        made = image.build_and_push(
            target.project, env.repository, tag, env.platforms, lambda text: target.report.progress("image", text)
        )
        target.digest, target.heads[made.digest] = made.digest, made.schema
        target.image_commit = target.checkout.commit.name if target.checkout else ""
        return Outcome(summary=target.digest)

    def _look(self, target: Target) -> tuple[str | None, str | None]:
        """The content key, where it had to be asked for, and the digest, where there is an image."""
        env = target.environment
        if target.digest:
            return None, target.digest
        if env.image:
            return None, registry.resolve(env.repository, env.image)
        from toolkit.deploy.image import build as image

        key = image.content_key(target.project, env.platforms)
        return key, image.find(env.repository, key)


class Config:
    """ConfigMap, Secret and ServiceAccount, whose names carry their content: old pods keep what they started with."""

    name, undoable, before_lock = "config", False, False

    def observe(self, target: Target) -> Any:
        wanted = None if target.objects is None else _configuration(target)
        force = target.options.correct_drift
        return wanted and applying.look(target.cluster, wanted, MANAGER, force=force)

    def plan(self, target: Target, seen: Any) -> Plan:
        return UNKNOWN if seen is None else Plan(applying.changes(seen))

    def apply(self, target: Target, plan: Plan) -> Outcome:
        wanted = {identity(item): item for item in _configuration(target)}
        for change in plan.changes:
            applying.apply(target.cluster, wanted[change.what], MANAGER, force=target.options.correct_drift)
        if target.environment.secret.external:
            sources.await_external(target)
            target.mark = sources.mark(sources.read(target))
        return Outcome(summary=", ".join(change.what for change in plan.changes))


class Release:
    """Everything else, by the driver. From its first change on, a failure takes the release back."""

    name, undoable, before_lock = "release", True, False

    def observe(self, target: Target) -> Any:
        if target.objects is None:
            return None
        limits = [] if target.namespace_missing else target.cluster.list("v1", "ResourceQuota")
        return target.driver.observe(target, released(target)), limits

    def plan(self, target: Target, seen: Any) -> Plan:
        """Raises Failed DRIFT, and QUOTA when the pods that a roll-out adds would be refused."""
        if seen is None:
            return UNKNOWN
        found, limits = seen
        plan = target.driver.plan(target, found)
        rolls = next((change for change in plan.changes if change.what.startswith("Deployment/")), None)
        env = target.environment
        added = env.replicas if rolls and rolls.action == "create" else 1
        if rolls and (short := list(quotas.shortages(env, limits, added))):
            hint = "raise the quota, or lower `resources`: a roll-out needs one pod more"
            raise fail("QUOTA", "the namespace's quota would refuse the new pods", *short, hint=hint)
        return plan

    def apply(self, target: Target, plan: Plan) -> Outcome:
        target.touched = True
        target.driver.apply(target, released(target), plan)
        return Outcome(summary=", ".join(filter(None, [*map(str, plan.changes), plan.note])))


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


def _about(target: Target, digest: str | None) -> registry.About:
    """What the image is, or what a build will make."""
    if digest:
        return registry.about(target.environment.repository, digest)
    from toolkit.deploy.image import docker_engine

    made_for = target.environment.platforms or (docker_engine.platform(docker_engine.connect()),)
    return registry.About({}, frozenset(made_for))


def _nodes(target: Target) -> list[Object]:
    """None for a user who may not list them."""
    try:
        return target.cluster.list("v1", "Node")
    except Failed as error:
        if error.failure.code != "FORBIDDEN":
            raise
        return []


def _refuse_older(target: Target, image: commits.Commit | None) -> None:
    last = records_of.last_good(target.records)
    if last is not None and not target.options.allow_older:
        here = target.checkout.commit if target.checkout else None
        commits.refuse_older(last, here, image, lambda one, other: commits.order(target.project, one, other))


def _commit_on_record(target: Target, digest: str) -> str:
    return next((record.image_commit for record in reversed(target.records) if record.digest == digest), "")


def released(target: Target) -> list[Object]:
    """What the release step applies: neither configuration nor the migration's Job."""
    apart, name = _configuration(target), target.facts.name
    return [item for item in target.objects or () if item not in apart and not is_migration(item, name)]


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


def _configuration(target: Target) -> list[Object]:
    """What has to exist before the migration; not a chart's own ConfigMaps, which Helm would refuse to adopt."""
    found = [item for item in target.objects or () if item["kind"] in CONFIG_KINDS]
    if target.environment.driver != "helm":
        return found
    return [item for item in found if is_generated(item, target.facts.name)]
