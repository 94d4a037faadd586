"""Kubernetes as a place: one namespace of one cluster."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from toolkit.deploy.outcomes import Change, Failed, Failure, Plan
from toolkit.deploy.places.kubernetes import (
    api_errors,
    canary,
    checks,
    configuration,
    connect,
    doctor,
    gateway,
    history,
    migration,
    namespaces,
    node_platforms,
    prerequisites,
    quota_room,
    render,
    rollout,
    sources,
    status,
    unready,
)
from toolkit.deploy.places.kubernetes.drivers import Driver, driver_of
from toolkit.deploy.places.kubernetes.lock import Lease, clear_orphan
from toolkit.deploy.places.kubernetes.naming import is_migration, migration_in
from toolkit.deploy.places.kubernetes.objects import Object, content_hash, identity, image_of
from toolkit.deploy.places.kubernetes.pods import look
from toolkit.deploy.places.kubernetes.secrets import change_secret
from toolkit.deploy.places.values import Figures, Finding, PlaceStatus, Running, Variables
from toolkit.deploy.records import last_good

if TYPE_CHECKING:
    from toolkit.deploy.inventory.schema import KubernetesEnvironment
    from toolkit.deploy.places.kubernetes.client import Cluster
    from toolkit.deploy.records import ReleaseRecord
    from toolkit.deploy.report import Report
    from toolkit.deploy.spec import ReleaseSpec


class KubernetesPlace:
    """`namespace_missing`: as far as it was looked at. `evidence`: the folder of this play, once there is one."""

    def __init__(
        self,
        project: Path,
        service: str,
        environment: KubernetesEnvironment,
        cluster: Cluster,
        report: Report,
        *,
        correct_drift: bool = False,
    ) -> None:
        self.project, self.service, self.environment = project, service, environment
        self.cluster, self.report, self.correct_drift = cluster, report, correct_drift
        self.namespace_missing = False
        self.evidence: Path | None = None
        self._records: list[ReleaseRecord] | None = None
        self._objects: dict[tuple[str, str, bool], list[Object]] = {}

    @property
    def name(self) -> str:
        return f"{self.cluster.client.configuration.host} {self.environment.namespace}"

    @property
    def writes(self) -> int:
        return self.cluster.writes

    @property
    def driver(self) -> Driver:
        return driver_of(self.environment, self.project)

    def reading(self) -> AbstractContextManager[None]:
        return self.cluster.reading()

    def explained(self) -> AbstractContextManager[None]:
        return api_errors.named()

    @contextmanager
    def lock(self, run_url: str) -> Iterator[None]:
        with Lease(self.cluster, self.service, self.environment.lease_seconds, run_url) as lease:
            self.cluster.guard = lease.hold
            try:
                yield
            finally:
                self.cluster.guard = None

    def require_lock(self) -> None:
        if self.cluster.guard:
            self.cluster.guard()

    def clear_orphan(self) -> bool:
        return clear_orphan(self.cluster, self.service)

    def recover(self) -> str:
        self._records = None  # another deployer may have written one since
        last = last_good(self.records())
        parts = (self.driver.recover(self, last), canary.recover(self, last.objects if last else ()))
        return "; ".join(filter(None, parts))

    def records(self) -> list[ReleaseRecord]:
        if self.namespace_missing:
            return []
        if self._records is None:
            self._records = history.read(self.cluster, self.service)
        return self._records

    def write_record(self, record: ReleaseRecord) -> ReleaseRecord:
        return history.write(self.cluster, self.service, record)

    def prune(self, gone: Sequence[ReleaseRecord], kept: Sequence[ReleaseRecord], spec: ReleaseSpec) -> None:
        history.prune(self.cluster, self.service, gone, kept, self.objects(spec))

    def kept_objects(self, spec: ReleaseSpec) -> tuple[Object, ...]:
        return tuple(
            item for item in self.objects(spec) if item["kind"] != "Secret" and not is_migration(item, self.service)
        )

    def is_recorded(self, spec: ReleaseSpec, record: ReleaseRecord) -> bool:
        objects = {"objects": list(record.objects)}
        return content_hash(objects) == content_hash({"objects": list(self.kept_objects(spec))})

    def objects(self, spec: ReleaseSpec) -> list[Object]:
        """Every object of a release. Raises Failed MANIFEST_INVALID."""
        key = (spec.digest, spec.mark, spec.again is not None)
        if key not in self._objects:
            self._objects[key] = (
                [sources.marked(item, spec.mark) for item in spec.again.objects]
                if spec.again
                else self.driver.render(self.project, spec)
            )
        return self._objects[key]

    def refuse_ending(self) -> None:
        namespaces.refuse_terminating(self.cluster)

    @property
    def programs(self) -> tuple[str, ...]:
        return ("helm",) if self.environment.driver == "helm" else ()

    def require_programs(self) -> str:
        return self.driver.require()

    def findings(self) -> Sequence[Failure]:
        return list(checks.findings(self.environment))

    def check(self, spec: ReleaseSpec) -> None:
        objects = self.objects(spec)
        migration_in(objects, self.service)
        checks.check(self.environment, objects)

    def prerequisites(self, spec: ReleaseSpec, *, rollback: bool) -> prerequisites.KubernetesPrerequisites:
        return prerequisites.read(self, spec, rollback=rollback)

    def create(self) -> str:
        return prerequisites.create_namespace(self)

    def variables(self) -> Variables:
        return sources.variables_of(self.service, self.environment, sources.read(self))

    def unfit(self, platforms: Collection[str]) -> Failure | None:
        return node_platforms.misfit(platforms, node_platforms.nodes(self.cluster), self.environment)

    def shortages(self, spec: ReleaseSpec, *, migrates: bool, release: Plan) -> Sequence[str]:
        return quota_room.shortages(self, spec, migrates=migrates, release=release)

    def change_secret(self, names: Sequence[str]) -> Sequence[str]:
        return change_secret(self.environment, names)

    def observe_configuration(self, spec: ReleaseSpec) -> configuration.Compared:
        return configuration.observe(self, spec)

    def apply_configuration(self, spec: ReleaseSpec, plan: Plan) -> str:
        return configuration.apply(self, spec, plan)

    def has_other_variables(self, mark: str) -> bool:
        live = None if self.namespace_missing else self.cluster.get("apps/v1", "Deployment", self.service)
        return sources.stale(live, mark)

    def schema(self) -> None:
        """Return None: the service knows it, by /ready."""

    def plan_backup(self) -> None:
        """Return None: the database is not the toolkit's."""

    def back_up(self, reason: str) -> str:
        raise AssertionError("no database of the toolkit's")

    def plan_migration(self, spec: ReleaseSpec) -> Change:
        return Change("run", identity(migration_in(self.objects(spec), self.service)))

    def start_migration(self, spec: ReleaseSpec) -> migration.StartedJob:
        job = migration_in(self.objects(spec), self.service)
        return migration.StartedJob(self, migration.start(self, job))

    def canary(self, spec: ReleaseSpec) -> canary.KubernetesCanary | None:
        return canary.of(self, self.objects(spec)) if self.environment.canary_weights else None

    def observe(self, spec: ReleaseSpec) -> configuration.WithinQuotas:
        return configuration.observe_release(self, spec)

    def apply(self, spec: ReleaseSpec, plan: Plan) -> int | None:
        return self.driver.apply(self, spec, configuration.released(self, spec), plan)

    def put_back(self, record: ReleaseRecord) -> int | None:
        return self.driver.undo(self, record)

    def running_digest(self) -> str:
        return image_of(self.cluster.get("apps/v1", "Deployment", self.service)).rpartition("@")[2]

    def running(self) -> Running:
        names = rollout.names(self.cluster, self.service)
        views = [look(self.cluster, name, events=False) for name in names]
        summary = rollout.summary_of(self.service, views)
        return Running(f"Deployment/{', '.join(names)}", all(view.complete for view in views), summary)

    def refusal_of_database(self) -> Failed | None:
        cause = unready.cause(self, look(self.cluster, self.service, events=False).pods)
        return unready.refusal(self, cause) if cause and cause.refused else None

    def watch(self, seconds: float, hold: float) -> str:
        summary = rollout.wait(self, seconds, hold)
        gateway.await_accepted(self.cluster, self.service, self.environment)
        return summary

    def ask(self, path: str) -> object:
        if self.namespace_missing:
            return None
        return self.cluster.proxy(self.service, self.environment.port, path)

    @property
    def unanswered_hint(self) -> str:
        return f"check that the Service selects the pods: `kubectl -n {self.environment.namespace} get endpointslices`"

    def figures(self) -> Mapping[str, Figures]:
        if self.namespace_missing:
            return {}
        names = (self.service, canary.name_of(self.service)) if self.environment.canary_weights else (self.service,)
        return {pod: found for name in names for pod, found in canary.figures(self, name).items()}

    def status(self) -> PlaceStatus:
        return status.status(self)

    def logs(self, lines: int) -> list[str]:
        return status.log_lines(self, lines)

    @property
    def unconnected(self) -> str:
        return "no cluster" if isinstance(self.cluster, connect.Unconnected) else ""

    def identify(self) -> Finding:
        return doctor.context(self)

    def checks(self, spec: Callable[[], ReleaseSpec]) -> Mapping[str, Callable[[], Finding]]:
        return doctor.checks(self, spec)

    def write_files(self, spec: ReleaseSpec, folder: Path) -> list[str]:
        return render.write(folder, self.objects(spec))


def open_place(
    project: Path,
    service: str,
    environment: KubernetesEnvironment,
    report: Report,
    *,
    correct_drift: bool = False,
    pinned: bool = True,
) -> KubernetesPlace:
    """Connect to the environment's cluster. Raises Failed as `connect` does."""
    cluster = connect.connect(environment, pinned=pinned)
    return KubernetesPlace(project, service, environment, cluster, report, correct_drift=correct_drift)


def closed_place(
    project: Path, service: str, environment: KubernetesEnvironment, report: Report, error: Failed | None = None
) -> KubernetesPlace:
    """Return a place without a connection; each request raises `error`."""
    cluster = cast("Cluster", connect.Unconnected(error))
    place = KubernetesPlace(project, service, environment, cluster, report)
    place.namespace_missing = True
    return place
