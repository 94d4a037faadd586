"""Container Apps as a place: an app of a subscription and resource group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy.inventory.containerapps import ContainerAppsEnvironment
from toolkit.deploy.outcomes import Change
from toolkit.deploy.places.changes import Compared
from toolkit.deploy.places.containerapps import executions, files, jobs, plan, references, render, status
from toolkit.deploy.places.containerapps.connection import Connection
from toolkit.deploy.places.containerapps.rollout import Rollout
from toolkit.deploy.places.traffic.place import TrafficPlace
from toolkit.deploy.places.values import Finding, PlaceStatus

if TYPE_CHECKING:
    from toolkit.deploy.places.containerapps.app import ContainerApp
    from toolkit.deploy.places.traffic.prerequisites import TrafficPrerequisites
    from toolkit.deploy.records import Kept, ReleaseRecord
    from toolkit.deploy.spec import ReleaseSpec

RUNNABLE = 2  # releases whose revisions stay active: the one that serves and the one before


class ContainerAppsPlace(TrafficPlace[ContainerAppsEnvironment, Connection]):
    """All revisions of an app share its list of secrets."""

    product = "Container Apps"
    silence = "No replica of {} has logged anything yet: a line takes minutes to arrive."

    @property
    def app(self) -> ContainerApp:
        return self.connection.app

    @property
    def platform(self) -> ContainerApp:
        return self.app

    @property
    def rollout(self) -> Rollout:
        return Rollout(self)

    @property
    def described(self) -> str:
        env = self.environment
        return f"subscription {env.subscription}, {env.resource_group}, app {env.app}"

    @property
    def migration_job(self) -> str:
        return jobs.job_name(self.environment.app, "migrate")

    def rendered(self, spec: ReleaseSpec, versions: Mapping[str, str]) -> Kept:
        return render.web(spec, self.environment, versions)

    def processes(self, web: Kept) -> tuple[Kept, ...]:
        return ()

    def apply_processes(self, processes: Sequence[Kept]) -> None:
        """Do nothing: the inventory refuses processes."""

    def is_revision_of(self, name: str, kept: Kept) -> bool:
        return render.is_revision_of(name, self.app.name, kept)

    def prune(self, gone: Sequence[ReleaseRecord], kept: Sequence[ReleaseRecord], spec: ReleaseSpec) -> None:
        """Remove the records, and end the replicas of revisions that neither serve nor did so before."""
        super().prune(gone, kept, spec)
        live, revisions = self.app.get(), self.app.revisions()
        releases = [dict(record.objects[0]) for record in reversed(kept) if record.good and record.objects]
        names = dict.fromkeys(self.rollout.name_of(release) for release in releases)
        wanted = {*list(names)[:RUNNABLE], *(target.revision for target in (live.traffic if live else ()))}
        for revision in revisions:
            if revision.active and revision.name not in wanted:
                self.app.deactivate(revision.name)

    def prerequisites(self, spec: ReleaseSpec, *, rollback: bool) -> TrafficPrerequisites:
        self.app.environment()
        return super().prerequisites(spec, rollback=rollback)

    def has_other_variables(self, mark: str) -> bool:
        """Return True if the running revision refers to other secrets: they may name another database."""
        live = self.app.get()
        revision = self.app.revision(live.serving) if live and live.serving and mark else None
        return revision is not None and status.secret_names(revision) != {
            item["name"] for item in references.secrets(self.environment, self.connection.secrets.by_variable)
        }

    def plan_migration(self, spec: ReleaseSpec) -> Change:
        return Change("run", f"the migration as Job {self.migration_job}")

    def start_migration(self, spec: ReleaseSpec) -> executions.Migration:
        return executions.start_migration(self, spec)

    def observe(self, spec: ReleaseSpec) -> Compared:
        web, *_ = self.kept_objects(spec)
        known = {revision.name: revision for revision in self.app.revisions()}
        live, name = self.app.get(), self.rollout.name_of(web)
        self._released = web, name
        serving = known.get(live.serving) if live else None
        return Compared(plan.changes(self.app.name, live, serving, known.get(name), web, name))

    def put_back(self, record: ReleaseRecord) -> int | None:
        failed = self._released[1] if self._released else ""
        super().put_back(record)
        revision = self.app.revision(failed) if failed and self._released and failed != self._released[1] else None
        if revision and revision.active:
            self.app.deactivate(failed)
        return None

    def ask(self, path: str) -> object:
        live = self.app.get()
        return self.connection.front.json(live.url, path) if live else None

    @property
    def unanswered_hint(self) -> str:
        return (
            "with `external: false`, the deployer needs a way into the environment's network; "
            f"`python3 tasks.py logs --env {self.environment.name}` shows the replicas' lines"
        )

    def status(self) -> PlaceStatus:
        return status.status(self)

    def check_permissions(self) -> Finding:
        where = self.app.environment()["location"]
        self.app.get()
        self.app.jobs()
        return Finding(True, f"environment in {where}, app and Jobs can be read; those to write are not tried")

    def write_files(self, spec: ReleaseSpec, folder: Path) -> list[str]:
        return files.write(self.environment, spec, folder)
