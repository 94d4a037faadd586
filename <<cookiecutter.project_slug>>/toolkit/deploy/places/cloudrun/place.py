"""Cloud Run as a place: a service of a project and region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.inventory.cloudrun import CloudRunEnvironment
from toolkit.deploy.outcomes import Change
from toolkit.deploy.places.changes import Compared
from toolkit.deploy.places.cloudrun import executions, files, plan, render, status
from toolkit.deploy.places.cloudrun import processes as jobs
from toolkit.deploy.places.cloudrun.connection import Connection
from toolkit.deploy.places.cloudrun.rollout import Rollout
from toolkit.deploy.places.traffic.place import TrafficPlace
from toolkit.deploy.places.values import Finding, PlaceStatus

if TYPE_CHECKING:
    from toolkit.deploy.places.cloudrun.service import RunService
    from toolkit.deploy.records import Kept
    from toolkit.deploy.spec import ReleaseSpec


class CloudRunPlace(TrafficPlace[CloudRunEnvironment, Connection]):
    """Cloud Run itself keeps the newest 1000 revisions."""

    product = "Cloud Run"

    @property
    def run(self) -> RunService:
        return self.connection.run

    @property
    def platform(self) -> RunService:
        return self.run

    @property
    def rollout(self) -> Rollout:
        return Rollout(self)

    @property
    def described(self) -> str:
        env = self.environment
        return f"project {env.project}, {env.region}, service {env.service}"

    def rendered(self, spec: ReleaseSpec, versions: Mapping[str, str]) -> Kept:
        return render.web(spec, self.environment, versions)

    def processes(self, web: Kept) -> tuple[Kept, ...]:
        return jobs.wanted(web, self.environment)

    def apply_processes(self, processes: Sequence[Kept]) -> None:
        jobs.apply(self.run, processes)

    def is_revision_of(self, name: str, kept: Kept) -> bool:
        return render.is_revision_of(name, self.run.name, kept)

    def has_other_variables(self, mark: str) -> bool:
        """Return True if the running revision refers to other secrets: they may name another database."""
        live = self.run.get()
        if live is None or not mark:
            return False
        revision = self.run.revision(live.serving) if live.serving else None
        return revision is not None and status.secret_versions(revision) != dict(self.connection.secrets.by_variable)

    def plan_migration(self, spec: ReleaseSpec) -> Change:
        return Change("run", f"the migration as Job {self.connection.ledger.job}")

    def start_migration(self, spec: ReleaseSpec) -> executions.Migration:
        return executions.start_migration(self, spec)

    def observe(self, spec: ReleaseSpec) -> Compared:
        web, *processes = self.kept_objects(spec)
        revisions = self.run.revisions()
        name = self.rollout.name_of(web)
        self._released = web, name
        exists = name in [revision.name for revision in revisions]
        found = plan.changes(self.run.name, self.run.get(), web, name, exists=exists)
        return Compared([*jobs.changes(self.run.name, self.run.jobs(), processes), *found])

    def ask(self, path: str) -> object:
        live = self.run.get()
        return self.connection.front.json(live.url, path, live.url) if live else None

    @property
    def unanswered_hint(self) -> str:
        return (
            "with `public: false`, the deployer needs roles/run.invoker; with `ingress_settings: internal`, a way into "
            f"the network; `python3 tasks.py logs --env {self.environment.name}` shows the instances' lines"
        )

    def status(self) -> PlaceStatus:
        return status.status(self)

    def check_permissions(self) -> Finding:
        self.run.get()
        self.run.revisions()
        self.run.jobs()
        return Finding(True, "services, revisions and Jobs can be read; those to write are not tried")

    def write_files(self, spec: ReleaseSpec, folder: Path) -> list[str]:
        return files.write(self.environment, spec, folder)
