"""Container Apps as a place: an app of a subscription and resource group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Failed, Failure, Plan
from toolkit.deploy.places.changes import Compared
from toolkit.deploy.places.containerapps import doctor, executions, files, plan, render, stability, status
from toolkit.deploy.places.containerapps.prerequisites import ContainerAppsPrerequisites
from toolkit.deploy.places.containerapps.rollout import Rollout
from toolkit.deploy.places.defaults import PlaceDefaults
from toolkit.deploy.places.traffic import targets
from toolkit.deploy.places.traffic.canary import LIMIT_KEYS, TrafficCanary
from toolkit.deploy.places.traffic.lease import Lease
from toolkit.deploy.places.values import Finding, Limits, PlaceStatus, Running, Variables
from toolkit.deploy.records import last_good

if TYPE_CHECKING:
    from collections.abc import Collection

    from toolkit.deploy.inventory.containerapps import ContainerAppsEnvironment
    from toolkit.deploy.places.changes import Changes
    from toolkit.deploy.places.containerapps.app import ContainerApp
    from toolkit.deploy.places.containerapps.connect import Connection
    from toolkit.deploy.places.containerapps.front import Front
    from toolkit.deploy.places.containerapps.ledger import Ledger
    from toolkit.deploy.places.containerapps.logs import Logs
    from toolkit.deploy.places.containerapps.vault import SecretVersions
    from toolkit.deploy.records import Kept, ReleaseRecord
    from toolkit.deploy.report import Report
    from toolkit.deploy.spec import ReleaseSpec

PLATFORM = "linux/amd64"
RUNNABLE = 2  # releases whose revisions stay active: the one that serves and the one before


class ContainerAppsPlace(PlaceDefaults):
    """`connection`: None for a place that no request is sent to; each one then raises `error`."""

    def __init__(
        self,
        project: Path,
        service: str,
        environment: ContainerAppsEnvironment,
        report: Report,
        changes: Changes,
        connection: Connection | None,
        error: Failed | None = None,
    ) -> None:
        super().__init__(changes, error)
        self.project, self.service, self.environment, self.report = project, service, environment, report
        self._connection = connection
        self._records: list[ReleaseRecord] | None = None
        self._released: tuple[Kept, str] | None = None  # what `watch` waits for: the app and its revision
        self._begun: tuple[Kept, bool] | None = None  # an operation that `watch` carries out

    @property
    def connection(self) -> Connection:
        if self._connection is None:
            raise self._error or AssertionError("no connection")
        return self._connection

    @property
    def app(self) -> ContainerApp:
        return self.connection.app

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
        return f"Container Apps {self.environment.scope}"

    @property
    def migration_job(self) -> str:
        return render.job_name(self.environment.app, "migrate")

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
        live, last = self.app.get(), last_good(self.records())
        if live is None or not targets.is_interrupted(live.traffic):
            return ""
        good = self.rollout.name_of(dict(last.objects[0])) if last and last.objects else ""
        traffic = targets.restored(live.traffic, good)
        self.rollout.divide(traffic)
        return f"a killed deploy left {targets.shown(live.traffic)}: now {targets.shown(traffic)}"

    # the history

    def records(self) -> list[ReleaseRecord]:
        if self._records is None:
            self._records = self.ledger.records()
        return self._records

    def write_record(self, record: ReleaseRecord) -> ReleaseRecord:
        return self.ledger.add(record)

    def prune(self, gone: Sequence[ReleaseRecord], kept: Sequence[ReleaseRecord], spec: ReleaseSpec) -> None:
        """Remove the records, and end the replicas of revisions that neither serve nor did so before."""
        if gone:
            self.ledger.remove(gone)
        live, revisions = self.app.get(), self.app.revisions()
        releases = [dict(record.objects[0]) for record in reversed(kept) if record.good and record.objects]
        names = dict.fromkeys(self.rollout.name_of(release) for release in releases)
        wanted = {*list(names)[:RUNNABLE], *(target.revision for target in (live.traffic if live else ()))}
        for revision in revisions:
            if revision.active and revision.name not in wanted:
                self.app.deactivate(revision.name)

    def kept_objects(self, spec: ReleaseSpec) -> tuple[Kept, ...]:
        return tuple(spec.again.objects) if spec.again else (self.web(spec),)

    def is_recorded(self, spec: ReleaseSpec, record: ReleaseRecord) -> bool:
        return record.objects == self.kept_objects(spec)

    def web(self, spec: ReleaseSpec) -> Kept:
        return render.web(spec, self.environment, {} if spec.again else self.secrets.by_variable)

    # before anything is changed

    def check(self, spec: ReleaseSpec) -> None:
        render.web(spec, self.environment, {})

    def prerequisites(self, spec: ReleaseSpec, *, rollback: bool) -> ContainerAppsPrerequisites:
        self.app.environment()
        self.app.get()
        return ContainerAppsPrerequisites(self.name, Variables(mark="" if rollback else self._mark()))

    def variables(self) -> Variables:
        return Variables(mark=self._mark())

    def _mark(self) -> str:
        return render.content_hash(dict(self.secrets.by_variable))[:16]

    def unfit(self, platforms: Collection[str]) -> Failure | None:
        if platforms and PLATFORM not in platforms:
            hint = f"build it for Container Apps: `platforms: [{PLATFORM}]` in deploy/inventory.yaml"
            message = f"the image is for {', '.join(sorted(platforms))}, and Container Apps runs {PLATFORM}"
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
        live = self.app.get()
        revision = self.app.revision(live.serving) if live and live.serving and mark else None
        return revision is not None and status.secret_names(revision) != {
            item["name"] for item in render.secrets(self.environment, self.secrets.by_variable)
        }

    def plan_migration(self, spec: ReleaseSpec) -> Change:
        return Change("run", f"the migration as Job {self.migration_job}")

    def start_migration(self, spec: ReleaseSpec) -> executions.Migration:
        return executions.start_migration(self, spec)

    def canary(self, spec: ReleaseSpec) -> TrafficCanary | None:
        given = self.environment.canary
        live = self.app.get()
        if not given.weights or live is None or not live.serving:
            return None
        kept = self.web(spec)
        if render.is_revision_of(live.serving, self.app.name, kept) or not self._is_ready(live.serving):
            return None
        limits = Limits(given.error_percent, given.slower, LIMIT_KEYS)
        return TrafficCanary(self.rollout, kept, live.serving, given.weights, given.seconds, limits)

    def _is_ready(self, revision: str) -> bool:
        found = self.app.revision(revision)
        return found is not None and found.ready

    def observe(self, spec: ReleaseSpec) -> Compared:
        (web,) = self.kept_objects(spec)
        known = {revision.name: revision for revision in self.app.revisions()}
        live, name = self.app.get(), self.rollout.name_of(web)
        self._released = web, name
        serving = known.get(live.serving) if live else None
        return Compared(plan.changes(self.app.name, live, serving, known.get(name), web, name))

    def apply(self, spec: ReleaseSpec, plan: Plan) -> int | None:
        self._release(self.kept_objects(spec)[0], has_served=spec.again is not None)
        return None

    def put_back(self, record: ReleaseRecord) -> int | None:
        failed = self._released[1] if self._released else ""
        self._release(dict(record.objects[0]), has_served=True)
        revision = self.app.revision(failed) if failed and self._released and failed != self._released[1] else None
        if revision and revision.active:
            self.app.deactivate(failed)
        return None

    def _release(self, web: Kept, *, has_served: bool) -> None:
        live = self.app.get()
        if live and not plan.has_settings(live, web):
            self.app.configure(web, live.traffic)
        self._released = web, self.rollout.release(web, has_served=has_served)

    def begin(self, web: Kept, *, fresh: bool = False) -> None:
        """Let `watch` bring the app to this state; `fresh`: with new replicas."""
        self._begun = web, fresh

    # what runs

    def running_digest(self) -> str:
        if self._begun:
            return str(self._begun[0]["digest"])
        live = self.app.get()
        revision = self.app.revision(live.serving) if live and live.serving else None
        return revision.digest if revision else ""

    def running(self) -> Running:
        live, wanted = self.app.get(), self._released[1] if self._released else ""
        complete = live is not None and targets.is_settled(live.traffic, wanted) and self._is_ready(wanted)
        return Running(wanted or self.app.name, complete, targets.shown(live.traffic if live else ()))

    def watch(self, seconds: float, hold: float) -> str:
        if self._begun:
            (web, fresh), self._begun = self._begun, None
            if fresh and self._is_ready(self.rollout.name_of(web)):
                self.app.restart(self.rollout.name_of(web))
                self.rollout.await_ready(self.rollout.name_of(web))
            self._released = web, self.rollout.release(web, has_served=True)
        if self._released is None:
            raise AssertionError("watched before anything was released")
        return stability.hold(self, self._released[1], seconds, hold)

    def ask(self, path: str) -> object:
        live = self.app.get()
        return self.front.json(live.url, path) if live else None

    @property
    def unanswered_hint(self) -> str:
        return (
            "with `external: false`, the deployer needs a way into the environment's network; "
            f"`python3 tasks.py logs --env {self.environment.name}` shows the replicas' lines"
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
