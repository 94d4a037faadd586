"""The image step: an image by digest, given by the inventory, found in the registry, or built."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from toolkit.deploy.image import registry
from toolkit.deploy.outcomes import Change, Failed, Failure, Outcome, Plan
from toolkit.deploy.records import last_good
from toolkit.deploy.release import commits

if TYPE_CHECKING:
    from toolkit.deploy.records import ReleaseRecord
    from toolkit.deploy.release.state import Known, Target


@dataclass(frozen=True)
class FoundImage:
    """`tag` is the content key, where it had to be asked for; `digest`, where there is an image.

    `about`: what the image is, or what a build will make; None when it runs already. `unfit`: why it would not run.
    """

    target: Target
    known: Known
    last: ReleaseRecord | None
    tag: str
    digest: str | None
    commit_on_record: str
    about: registry.About | None
    unfit: Failure | None

    def plan(self) -> Plan:
        """Plan. Raises Failed OLDER, and IMG_PLATFORM for an image that the nodes cannot run."""
        target, about = self.target, self.about
        given = commits.Commit(about.commit) if about and about.commit and target.environment.image else None
        if self.last is not None and not target.options.allow_older:
            here = target.checkout.commit if target.checkout else None
            commits.refuse_older(self.last, here, given, lambda one, other: commits.order(target.project, one, other))
        if self.unfit:
            raise Failed(self.unfit)
        if self.digest:
            return Plan(note=self.digest)
        return Plan((Change("build", f"{target.environment.repository}:{self.tag}"),))

    def learned(self) -> Known:
        if not self.digest:
            return self.known
        commit = self.about.commit if self.about else self.commit_on_record
        return replace(self.known, digest=self.digest, image_commit=commit)


class Image:
    name, undoable, touches, before_lock = "image", False, False, False

    def observe(self, target: Target, known: Known) -> FoundImage:
        tag, digest = _look(target, known)
        if digest:
            target.ahead.close()
        records = target.place.records()
        last = last_good(records)
        on_record = next((record.image_commit for record in reversed(records) if record.digest == digest), "")
        if last and last.digest == digest:  # it is already running there
            return FoundImage(target, known, last, tag, digest, on_record, None, None)
        about = _about(target, digest)
        return FoundImage(target, known, last, tag, digest, on_record, about, target.place.unfit(about.platforms))

    def apply(self, target: Target, known: Known, plan: Plan) -> tuple[Outcome, Known]:
        from toolkit.deploy.image import build

        env = target.environment
        tag = plan.changes[0].what.rpartition(":")[2]
        built = build.build_and_push(
            target.project, env.repository, tag, env.platforms, lambda text: target.report.progress("image", text)
        )
        commit = target.checkout.commit.name if target.checkout else ""
        learned = replace(known, digest=built.digest, image_schema=built.schema, image_commit=commit)
        return Outcome(summary=built.digest), learned


def _look(target: Target, known: Known) -> tuple[str, str | None]:
    """Return the content key, empty if it was not needed, and the digest, if the image exists."""
    env = target.environment
    if known.digest:
        return "", known.digest
    if env.image:
        return "", registry.resolve(env.repository, env.image)
    from toolkit.deploy.image import build

    tag = build.content_key(target.project, env.platforms)
    return tag, build.find(env.repository, tag)


def _about(target: Target, digest: str | None) -> registry.About:
    if digest:
        return registry.about(target.environment.repository, digest)
    from toolkit.deploy.image import docker_engine

    built_for = target.environment.platforms or (docker_engine.platform(docker_engine.connect()),)
    return registry.About({}, frozenset(built_for))
