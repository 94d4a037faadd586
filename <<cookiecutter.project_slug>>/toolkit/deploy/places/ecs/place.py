"""ECS as a place: one service, whose task definition is the release."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Failed, Failure, Plan, fail
from toolkit.deploy.places import evidence
from toolkit.deploy.places.changes import Compared
from toolkit.deploy.places.defaults import PlaceDefaults
from toolkit.deploy.places.ecs import definition, doctor, history, lock, migration, prerequisites, status, web
from toolkit.deploy.places.ecs.calls import explained
from toolkit.deploy.places.ecs.plan import (
    Wanted,
    changes,
    from_kept,
    is_complete,
    parameters,
    same_release,
)
from toolkit.deploy.places.ecs.prerequisites import EcsPrerequisites, References
from toolkit.deploy.places.ecs.watch import Watch
from toolkit.deploy.places.values import Finding, PlaceStatus, Running, Variables

if TYPE_CHECKING:
    from toolkit.deploy.inventory.ecs import EcsEnvironment
    from toolkit.deploy.places.changes import Changes
    from toolkit.deploy.places.ecs.bucket import Bucket
    from toolkit.deploy.places.ecs.calls import Calls
    from toolkit.deploy.places.ecs.values import Definition, Service
    from toolkit.deploy.records import Kept, ReleaseRecord
    from toolkit.deploy.report import Report
    from toolkit.deploy.spec import ReleaseSpec


class EcsPlace(PlaceDefaults):
    """`caller`: the ARN of the credentials."""

    def __init__(
        self,
        project: Path,
        service: str,
        environment: EcsEnvironment,
        report: Report,
        calls: Calls,
        bucket: Bucket,
        changes: Changes,
        error: Failed | None = None,
        caller: str = "",
    ) -> None:
        super().__init__(changes, error)
        self.project, self.service, self.environment, self.report = project, service, environment, report
        self._calls, self._bucket, self.caller = calls, bucket, caller
        self._records: list[ReleaseRecord] | None = None
        self._definitions: dict[str, tuple[Definition, bool]] = {}
        self._wanted: Wanted | None = None
        self._deployment = ""
        self._evidence: Path | None = None

    @property
    def calls(self) -> Calls:
        if self._error:
            raise self._error
        return self._calls

    @property
    def bucket(self) -> Bucket:
        if self._error:
            raise self._error
        return self._bucket

    @property
    def name(self) -> str:
        env = self.environment
        return f"{env.account} {env.region} {env.cluster}/{env.service}"

    # the deploy lock

    @contextmanager
    def lock(self, run_url: str) -> Iterator[None]:
        with (
            lock.BucketLock(self.bucket, self.environment.lease_seconds, run_url) as held,
            self.changes.guarded(held.require),
        ):
            yield

    def clear_orphan(self) -> bool:
        with explained():
            return lock.clear_orphan(self.bucket)

    def recover(self) -> str:
        self._records = None  # another deployer may have written one since
        self.__dict__.pop("references", None)
        return ""

    # the history

    def records(self) -> list[ReleaseRecord]:
        if self._records is None:
            with explained():
                self._records = history.read(self.bucket)
        return self._records

    def write_record(self, record: ReleaseRecord) -> ReleaseRecord:
        self.changes.allow()
        with explained():
            written = history.write(self.bucket, record)
        self._records = None
        return written

    def prune(self, gone: Sequence[ReleaseRecord], kept: Sequence[ReleaseRecord], spec: ReleaseSpec) -> None:
        with explained():
            for record in gone:
                self.bucket.delete(history.path_of(record))

    def kept_objects(self, spec: ReleaseSpec) -> tuple[Kept, ...]:
        return (self.wanted(spec).kept(),)

    def is_recorded(self, spec: ReleaseSpec, record: ReleaseRecord) -> bool:
        mine = tuple(item for item in (self.wanted(spec).kept(),))
        return len(record.objects) == len(mine) and all(map(same_release, record.objects, mine))

    # before anything is changed

    def require_programs(self) -> str:
        return ""

    def check(self, spec: ReleaseSpec) -> None:
        definition.render(spec, self.environment, prerequisites.keys_of(self.environment))

    def prerequisites(self, spec: ReleaseSpec, *, rollback: bool) -> EcsPrerequisites:
        found = self.references
        bad, notes = prerequisites.problems(self.calls, self.environment, found)
        return EcsPrerequisites(self.name, tuple(bad), Variables(mark=found.mark), tuple(notes))

    def variables(self) -> Variables:
        return Variables(mark=self.references.mark)

    def unfit(self, platforms: Collection[str]) -> Failure | None:
        own = f"linux/{self.environment.architecture}"
        if not platforms or own in platforms:
            return None
        hint = f"build it for the tasks: `platforms: [{own}]` in deploy/inventory.yaml, or set `architecture`"
        return Failure(
            "IMG_PLATFORM", f"the image is for {', '.join(sorted(platforms))}, the tasks are {own}", (), hint
        )

    def change_secret(self, names: Sequence[str]) -> Sequence[str]:
        return self.environment.secret.change_in_store(names)

    # a release

    @cached_property
    def references(self) -> References:
        return prerequisites.references(self.calls, self.environment)

    @cached_property
    def autoscaled(self) -> bool:
        return self.calls.scaling_target(self.environment.service)

    def live_service(self) -> Service:
        """Return the service. Raises Failed SERVICE_NOT_FOUND."""
        found = self.calls.service(self.environment.service)
        if found is None:
            problem = prerequisites.service(self.environment, None)
            assert problem is not None  # noqa: S101 - for the type checker
            raise Failed(problem)
        return found

    def definition(self, revision: str) -> tuple[Definition, bool]:
        """Return a task definition, and whether it may be used; its content never changes."""
        if revision not in self._definitions:
            self._definitions[revision] = self.calls.definition(revision)
        return self._definitions[revision]

    def wanted(self, spec: ReleaseSpec) -> Wanted:
        """Return the release, with its revision if it is registered."""
        if spec.again:
            recorded = from_kept(spec.again.objects[0])
            made, known = recorded.definition, recorded.revision
            replicas = recorded.replicas
        else:
            made = definition.render(spec, self.environment, self.references.values)
            known, replicas = "", self.environment.replicas
        return Wanted(made, None if self.autoscaled else replicas, self.revision_of(made, known))

    def revision_of(self, wanted: Definition, known: str = "") -> str:
        """Return the active revision with this content: of the service, of the record, or the newest of the family.

        A deployer that was killed may have registered one, and nothing else.
        """
        live = self.calls.service(self.environment.service)
        newest = self.calls.newest_revision(str(wanted["family"]))
        for revision in filter(None, (live.revision if live else "", known, newest)):
            found, active = self.definition(revision)
            if active and definition.same(found, wanted):
                return revision
        return ""

    def registered(self, wanted: Wanted) -> Wanted:
        """Return the release with its revision, which is registered unless it exists."""
        if wanted.revision:
            return wanted
        revision = self.calls.register(wanted.definition)
        return Wanted(wanted.definition, wanted.replicas, revision)

    def observe_configuration(self, spec: ReleaseSpec) -> Compared:
        wanted = self.wanted(spec)
        if wanted.revision:
            return Compared([], note=wanted.revision.rpartition("/")[2])
        live = self.live_service()
        before = self.definition(live.revision)[0] if live.revision else None
        lines = definition.diff(before, wanted.definition)
        return Compared([Change("create", f"task definition {wanted.definition['family']}", lines)])

    def apply_configuration(self, spec: ReleaseSpec, plan: Plan) -> str:
        self.registered(self.wanted(spec))
        return spec.mark

    def has_other_variables(self, mark: str) -> bool:
        live = self.live_service()
        before = definition.mark_of(self.definition(live.revision)[0]) if live.revision else ""
        return bool(mark) and bool(before) and before != mark

    def plan_migration(self, spec: ReleaseSpec) -> Change:
        return Change("run", f"the migration as a task in {self.environment.cluster}")

    def start_migration(self, spec: ReleaseSpec) -> migration.StartedTask:
        return migration.start(self, self.registered(self.wanted(spec)).revision)

    def observe(self, spec: ReleaseSpec) -> Compared:
        self._wanted = self.wanted(spec)
        return Compared(changes(self.live_service(), self._wanted))

    def apply(self, spec: ReleaseSpec, plan: Plan) -> int | None:
        self.release(self.registered(self.wanted(spec)))
        return None

    def put_back(self, record: ReleaseRecord) -> int | None:
        recorded = from_kept(record.objects[0])
        replicas = None if self.autoscaled else recorded.replicas
        revision = self.revision_of(recorded.definition, recorded.revision)
        self.release(self.registered(Wanted(recorded.definition, replicas, revision)))
        return None

    def release(self, wanted: Wanted, *, force: bool = False) -> None:
        """Let the service run this release. Its own answer names the deployment that `watch` follows."""
        self._wanted = wanted
        given = parameters(self.live_service(), wanted)
        if force:
            given["forceNewDeployment"] = True
        if given:
            updated = self.calls.update(self.environment.service, **given)
            self._deployment = updated.primary.id if updated.primary else ""

    # what runs

    def running_digest(self) -> str:
        live = self.live_service()
        return definition.digest_of(self.definition(live.revision)[0]) if live.revision else ""

    def running(self) -> Running:
        live = self.live_service()
        if self._wanted is None:
            return Running(live.name, complete=False, summary="not looked at")
        complete = is_complete(live, self._wanted)
        return Running(live.name, complete, f"{live.running} of {live.desired} tasks run")

    def watch(self, seconds: float, hold: float) -> str:
        live = self.live_service()
        deployment = self._deployment or (live.primary.id if live.primary else "")
        return Watch(self, live.name, deployment, self.environment.family).hold(seconds, hold)

    def ask(self, path: str) -> object:
        return web.get(f"{str(self.environment.url).rstrip('/')}{path}")

    @property
    def unanswered_hint(self) -> str:
        return f"check `url` in deploy/inventory.yaml, and the listener and target group of {self.environment.service}"

    def status(self) -> PlaceStatus:
        return status.status(self)

    def logs(self, lines: int) -> list[str]:
        return status.log_lines(self, lines)

    def evidence_folder(self) -> Path:
        self._evidence = self._evidence or evidence.folder(self.project, self.environment.name)
        return self._evidence

    # doctor

    def identify(self) -> Finding:
        if self._error:
            failure = self._error.failure
            return Finding(False, f"{failure.code}: {failure.message}", failure.hint, lines=failure.evidence)
        return Finding(True, f"account {self.environment.account}, {self.environment.region}, as {self.caller}")

    def checks(self, spec: Callable[[], ReleaseSpec]) -> Mapping[str, Callable[[], Finding]]:
        return doctor.checks(self)

    def write_files(self, spec: ReleaseSpec, folder: Path) -> list[str]:
        """Write the task definition for `aws ecs register-task-definition --cli-input-json`."""
        references = {
            name: prerequisites.named(self.environment, text)
            for name, text in prerequisites.keys_of(self.environment).items()
        }
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "task-definition.json"
        made = definition.render(spec, self.environment, references)
        path.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
        return [str(path)]


def not_deployed(place: EcsPlace) -> Failed:
    name = place.environment.name
    message = f"{place.service} has no release in {name} that passed its smoke test"
    return fail("NOT_DEPLOYED", message, hint=f"python3 tasks.py deploy {name}")
