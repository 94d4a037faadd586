"""The image step: an image by digest, found or built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.deploy.image import platforms, registry
from toolkit.deploy.outcomes import Change, Failed, Outcome, Plan
from toolkit.deploy.release import commits
from toolkit.deploy.release import history as records_of

if TYPE_CHECKING:
    from toolkit.deploy.places.kubernetes.objects import Object
    from toolkit.deploy.release.state import Target


class Image:
    """The image step: the digest from the inventory, from the registry by content key, or of a new build."""

    name, undoable, before_lock = "image", False, False

    def observe(self, target: Target) -> Any:
        key, digest = self._look(target)
        if digest:
            target.ahead.close()
        last = records_of.last_good(target.records)
        if last and last.digest == digest:
            return key, digest, None, []  # it is already running there
        return key, digest, _about(target, digest), _nodes(target)

    def plan(self, target: Target, seen: Any) -> Plan:
        """Plan. Raises Failed OLDER, and IMG_PLATFORM for an image that the nodes cannot run."""
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
        """Return the content key, if it was needed, and the digest, if the image exists."""
        env = target.environment
        if target.digest:
            return None, target.digest
        if env.image:
            return None, registry.resolve(env.repository, env.image)
        from toolkit.deploy.image import build as image

        key = image.content_key(target.project, env.platforms)
        return key, image.find(env.repository, key)


def _about(target: Target, digest: str | None) -> registry.About:
    """Return the platforms of the image, or of a future build."""
    if digest:
        return registry.about(target.environment.repository, digest)
    from toolkit.deploy.image import docker_engine

    made_for = target.environment.platforms or (docker_engine.platform(docker_engine.connect()),)
    return registry.About({}, frozenset(made_for))


def _nodes(target: Target) -> list[Object]:
    """Return the nodes; None for a user who may not list them."""
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
