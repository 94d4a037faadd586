"""Cloud Run as a place: a service of a project and region."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Failed, Failure, Plan
from toolkit.deploy.places.changes import Compared
from toolkit.deploy.places.cloudrun import doctor, executions, files, plan, processes, render, stability, status
from toolkit.deploy.places.cloudrun.prerequisites import CloudRunPrerequisites
from toolkit.deploy.places.cloudrun.rollout import Rollout
from toolkit.deploy.places.defaults import PlaceDefaults
from toolkit.deploy.places.traffic import targets
from toolkit.deploy.places.traffic.canary import LIMIT_KEYS, TrafficCanary
from toolkit.deploy.places.traffic.lease import Lease
from toolkit.deploy.places.values import Finding, Limits, PlaceStatus, Running, Variables
from toolkit.deploy.records import last_good

if TYPE_CHECKING:
    from collections.abc import Collection

    from toolkit.deploy.inventory.cloudrun import CloudRunEnvironment
    from toolkit.deploy.places.changes import Changes
    from toolkit.deploy.places.cloudrun.connect import Connection
    from toolkit.deploy.places.cloudrun.http import Front
    from toolkit.deploy.places.cloudrun.ledger import Ledger
    from toolkit.deploy.places.cloudrun.logs import Logs
    from toolkit.deploy.places.cloudrun.secret_manager import SecretVersions
    from toolkit.deploy.places.cloudrun.service import RunService
    from toolkit.deploy.records import Kept, ReleaseRecord
    from toolkit.deploy.report import Report
    from toolkit.deploy.spec import ReleaseSpec

PLATFORM = "linux/amd64"


class CloudRunPlace(PlaceDefaults):
    """`connection`: None for a place that no request is sent to; each one then raises `error`."""

    def __init__(
        self,
        project: Path,
        service: str,
        environment: CloudRunEnvironment,
        report: Report,
        changes: Changes,
        connection: Connection | None,
        error: Failed | None = None,
    ) -> None:
        super().__init__(changes, error)
        self.project, self.service, self.environment, self.report = project, service, environment, report
        self._connection = connection
        self._records: list[ReleaseRecord] | None = None
        self._released: tuple[Kept, str] | None = None  # what `watch` waits for: the service and its revision
        self._begun: tuple[Kept, bool] | None = None  # an operation that `watch` carries out

    @property
    def connection(self) -> Connection:
        if self._connection is None:
            raise self._error or AssertionError("no connection")
        return self._connection

    @property
    def run(self) -> RunService:
        return self.connection.run

    @property
    def front(self) -> Front:
        return self.connection.front

    @property
    def ledger(self) -> Ledger:
        return self.connection.ledger

    @property
    def logs_of(self) -> Logs:
        return self.connection.logs

    @property
    def secrets(self) -> SecretVersions:
        return self.connection.secrets

    @property
    def rollout(self) -> Rollout:
        return Rollout(self)

    @property
    def name(self) -> str:
        return f"Cloud Run {self.environment.scope}"

    # the deploy lock

    @contextmanager
    def lock(self, run_url: str) -> Iterator[None]:
        with (
            Lease(self.ledger, self.environment.lease_seconds, run_url) as lease,
            self.changes.guarded(lease.require),
        ):
            yield

    def recover(self) -> str:
        self._records = None  # another deployer may have written one since
        live, last = self.run.get(), last_good(self.records())
        if live is None or not targets.is_interrupted(live.asked):
            return ""
        good = self.rollout.name_of(dict(last.objects[0])) if last and last.objects else ""
        traffic = targets.restored(live.asked, good)
        self.rollout.divide(traffic)
        return f"a killed deploy left {targets.shown(live.asked)}: now {targets.shown(traffic)}"

    # the history

    def records(self) -> list[ReleaseRecord]:
        if self._records is None:
            self._records = self.ledger.records()
        return self._records

    def write_record(self, record: ReleaseRecord) -> ReleaseRecord:
        return self.ledger.add(record)

    def prune(self, gone: Sequence[ReleaseRecord], kept: Sequence[ReleaseRecord], spec: ReleaseSpec) -> None:
        """Remove the records; Cloud Run itself keeps the newest 1000 revisions."""
        if gone:
            self.ledger.remove(gone)

    def kept_objects(self, spec: ReleaseSpec) -> tuple[Kept, ...]:
        if spec.again:
            return tuple(spec.again.objects)
        web = self.web(spec)
        return (web, *processes.wanted(web, self.environment))

    def is_recorded(self, spec: ReleaseSpec, record: ReleaseRecord) -> bool:
        return record.objects == self.kept_objects(spec)

    def web(self, spec: ReleaseSpec) -> Kept:
        return render.web(spec, self.environment, {} if spec.again else self.secrets.by_variable)

    # before anything is changed

    def check(self, spec: ReleaseSpec) -> None:
        render.web(spec, self.environment, {})

    def prerequisites(self, spec: ReleaseSpec, *, rollback: bool) -> CloudRunPrerequisites:
        self.run.get()
        return CloudRunPrerequisites(self.name, Variables(mark="" if rollback else self._mark()))

    def variables(self) -> Variables:
        return Variables(mark=self._mark())

    def _mark(self) -> str:
        return render.content_hash(dict(self.secrets.by_variable))[:16]

    def unfit(self, platforms: Collection[str]) -> Failure | None:
        if platforms and PLATFORM not in platforms:
            hint = f"build it for Cloud Run: `platforms: [{PLATFORM}]` in deploy/inventory.yaml"
            message = f"the image is for {', '.join(sorted(platforms))}, and Cloud Run runs {PLATFORM}"
            return Failure("IMG_PLATFORM", message, (), hint)
        return None

    def change_secret(self, names: Sequence[str]) -> Sequence[str]:
        env = self.environment.name
        return [f'printf %s "$VALUE" | python3 tasks.py secrets.set {env} {name}' for name in names]

    # a release

    def observe_configuration(self, spec: ReleaseSpec) -> Compared:
        return Compared(())

    def apply_configuration(self, spec: ReleaseSpec, plan: Plan) -> str:
        return spec.mark

    def has_other_variables(self, mark: str) -> bool:
        """Return True if the running revision refers to other secrets: they may name another database."""
        live = self.run.get()
        if live is None or not mark:
            return False
        revision = self.run.revision(live.serving) if live.serving else None
        return revision is not None and status.secret_versions(revision) != dict(self.secrets.by_variable)

    def plan_migration(self, spec: ReleaseSpec) -> Change:
        return Change("run", f"the migration as Job {self.ledger.job}")

    def start_migration(self, spec: ReleaseSpec) -> executions.Migration:
        return executions.start_migration(self, spec)

    def canary(self, spec: ReleaseSpec) -> TrafficCanary | None:
        given = self.environment.canary
        live = self.run.get()
        if not given.weights or live is None or not live.serving:
            return None
        kept = self.web(spec)
        if render.is_revision_of(live.serving, self.run.name, kept) or not self._is_ready(live.serving):
            return None
        limits = Limits(given.error_percent, given.slower, LIMIT_KEYS)
        return TrafficCanary(self.rollout, kept, live.serving, given.weights, given.seconds, limits)

    def _is_ready(self, revision: str) -> bool:
        found = self.run.revision(revision)
        return found is not None and found.ready.status == "True"

    def observe(self, spec: ReleaseSpec) -> Compared:
        web, *jobs = self.kept_objects(spec)
        revisions = self.run.revisions()
        name = self.rollout.name_of(web)
        self._released = web, name
        exists = name in [revision.name for revision in revisions]
        found = plan.changes(self.run.name, self.run.get(), web, name, exists=exists)
        return Compared([*processes.changes(self.run.name, self.run.jobs(), jobs), *found])

    def apply(self, spec: ReleaseSpec, plan: Plan) -> int | None:
        self._release(self.kept_objects(spec), has_served=spec.again is not None)
        return None

    def put_back(self, record: ReleaseRecord) -> int | None:
        self._release(record.objects, has_served=True)
        return None

    def _release(self, objects: Sequence[Kept], *, has_served: bool) -> None:
        web, *jobs = objects
        self._released = web, self.rollout.release(web, has_served=has_served)
        processes.apply(self.run, jobs)

    def begin(self, web: Kept, *, fresh: bool = False) -> None:
        """Let `watch` bring the service to this state; `fresh`: with new instances."""
        self._begun = web, fresh

    # what runs

    def running_digest(self) -> str:
        if self._begun:
            return str(self._begun[0]["digest"])
        live = self.run.get()
        revision = self.run.revision(live.serving) if live and live.serving else None
        return revision.digest if revision else ""

    def running(self) -> Running:
        live, wanted = self.run.get(), self._released[1] if self._released else ""
        complete = live is not None and targets.is_settled(live.traffic, wanted) and self._is_ready(wanted)
        return Running(wanted or self.run.name, complete, targets.shown(live.traffic if live else ()))

    def watch(self, seconds: float, hold: float) -> str:
        if self._begun:
            (web, fresh), self._begun = self._begun, None
            self._released = web, self.rollout.release(web, has_served=not fresh, fresh=fresh)
        if self._released is None:
            raise AssertionError("watched before anything was released")
        return stability.hold(self, self._released[1], seconds, hold)

    def ask(self, path: str) -> object:
        live = self.run.get()
        return self.front.json(live.url, path, live.url) if live else None

    @property
    def unanswered_hint(self) -> str:
        return (
            "with `public: false`, the deployer needs roles/run.invoker; with `ingress_settings: internal`, a way into "
            f"the network; `python3 tasks.py logs --env {self.environment.name}` shows the instances' lines"
        )

    def status(self) -> PlaceStatus:
        return status.status(self)

    def logs(self, lines: int) -> list[str]:
        return status.log_lines(self, lines)

    # doctor

    def identify(self) -> Finding:
        return doctor.identify(self)

    def checks(self, spec: Callable[[], ReleaseSpec]) -> Mapping[str, Callable[[], Finding]]:
        return doctor.checks(self)

    @property
    def error(self) -> Failed | None:
        return self._error

    def write_files(self, spec: ReleaseSpec, folder: Path) -> list[str]:
        return files.write(self.environment, spec, folder)
