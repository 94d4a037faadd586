"""ECS as a place: one service, whose task definition is the release."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Failed, Failure, Plan, fail
from toolkit.deploy.places import evidence
from toolkit.deploy.places.changes import Compared
from toolkit.deploy.places.defaults import PlaceDefaults
from toolkit.deploy.places.ecs import (
    definition,
    doctor,
    files,
    history,
    lock,
    migration,
    prerequisites,
    references,
    status,
    web,
)
from toolkit.deploy.places.ecs.calls import explained
from toolkit.deploy.places.ecs.plan import same_release
from toolkit.deploy.places.ecs.prerequisites import EcsPrerequisites
from toolkit.deploy.places.ecs.releases import Releases
from toolkit.deploy.places.ecs.watch import Watch, Watched
from toolkit.deploy.places.values import Finding, PlaceStatus, Running, Variables

if TYPE_CHECKING:
    from toolkit.deploy.inventory.ecs import EcsEnvironment
    from toolkit.deploy.places.changes import Changes
    from toolkit.deploy.places.ecs.bucket import Bucket
    from toolkit.deploy.places.ecs.calls import Calls
    from toolkit.deploy.places.ecs.plan import Wanted
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
        self._wanted: tuple[Wanted, ...] = ()
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
        self.__dict__.pop("releases", None)
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

    def delete_history(self) -> None:
        with explained():
            for record in self.records():
                self.bucket.delete(history.path_of(record))
        self._records = None

    def kept_objects(self, spec: ReleaseSpec) -> tuple[Kept, ...]:
        return tuple(item.kept() for item in self.releases.wanted(spec, self.releases.live()))

    def is_recorded(self, spec: ReleaseSpec, record: ReleaseRecord) -> bool:
        return same_release(record.objects, self.kept_objects(spec))

    # before anything is changed

    def require_programs(self) -> str:
        return ""

    def check(self, spec: ReleaseSpec) -> None:
        definition.render(spec, self.environment, references.keys_of(self.environment))

    def prerequisites(self, spec: ReleaseSpec, *, rollback: bool) -> EcsPrerequisites:
        found = self.releases.references
        bad, notes = prerequisites.problems(self.calls, self.environment, found)
        if spec.again:
            definitions = [kept["definition"] for kept in spec.again.objects]
            lost, note = references.gone_or_note(self.calls, definitions)
            bad, notes = [*bad, *([lost] if lost else [])], [*notes, *([note] if note else [])]
        return EcsPrerequisites(self.name, tuple(bad), Variables(mark=found.mark), tuple(notes))

    def variables(self) -> Variables:
        return Variables(mark=self.releases.references.mark)

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
    def releases(self) -> Releases:
        return Releases(self.calls, self.environment, self.records)

    def observe_configuration(self, spec: ReleaseSpec) -> Compared:
        live = self.releases.live()
        wanted = self.releases.wanted(spec, live)
        found = []
        for item in wanted:
            if not item.revision:
                revision = live.revision(item)
                before = self.releases.revisions.read(revision)[0] if revision else None
                lines = definition.diff(before, item.definition)
                found.append(Change("create", f"task definition {item.definition['family']}", lines))
        return Compared(found, note="" if found else wanted[0].revision.rpartition("/")[2])

    def apply_configuration(self, spec: ReleaseSpec, plan: Plan) -> str:
        self.releases.registered(spec, self.releases.live())
        return spec.mark

    def has_other_variables(self, mark: str) -> bool:
        before = definition.mark_of(self.releases.running())
        return bool(mark) and bool(before) and before != mark

    def plan_migration(self, spec: ReleaseSpec) -> Change:
        return Change("run", f"the migration as a task in {self.environment.cluster}")

    def start_migration(self, spec: ReleaseSpec) -> migration.StartedTask:
        return migration.start(self, self.releases.registered(spec, self.releases.live())[0].revision)

    def observe(self, spec: ReleaseSpec) -> Compared:
        live = self.releases.live()
        self._wanted = self.releases.wanted(spec, live)
        return Compared(self.releases.services.changes(live, self._wanted))

    def apply(self, spec: ReleaseSpec, plan: Plan) -> int | None:
        live = self.releases.live()
        self.releases.services.put(live, self.releases.registered(spec, live))
        return None

    def put_back(self, record: ReleaseRecord) -> int | None:
        self.releases.put_back(record)
        return None

    # what runs

    def running_digest(self) -> str:
        return definition.digest_of(self.releases.running())

    def running(self) -> Running:
        return status.running(self.releases.live(), self._wanted)

    def watch(self, seconds: float, hold: float) -> str:
        live, begun = self.releases.live(), self.releases.services.deployments
        watched = [
            Watched(
                service.name,
                begun.get(service.name) or (service.primary.id if service.primary else ""),
                definition.family_of(self.environment, process),
                process,
            )
            for process, service in (("", live.web), *sorted(live.workers.items()))
        ]
        return Watch(self, watched).hold(seconds, hold)

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
        return files.write(self.environment, spec, folder)


def not_deployed(place: EcsPlace) -> Failed:
    name = place.environment.name
    message = f"{place.service} has no release in {name} that passed its smoke test"
    return fail("NOT_DEPLOYED", message, hint=f"python3 tasks.py deploy {name}")
