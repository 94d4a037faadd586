"""Daily operations on Container Apps: the protocol `Operations`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, fail
from toolkit.deploy.places.azure import ended as ended_as
from toolkit.deploy.places.containerapps import executions, jobs, references
from toolkit.deploy.places.containerapps.place import ContainerAppsPlace
from toolkit.deploy.places.traffic.operations import LINES, RUN_SECONDS, TrafficOperations

if TYPE_CHECKING:
    from toolkit.deploy.places.operations import Undo
    from toolkit.deploy.records import Kept


class ContainerAppsOperations(TrafficOperations[ContainerAppsPlace]):
    """The history is deleted last."""

    remains = "the environment, the images, the secrets, and the database"
    database_hint = "connect from a machine in the environment's network"

    def run(self, command: Sequence[str], show: Callable[[str], None]) -> int:
        """Run the command as a Job of its own, which is deleted at the end; its lines come from Log Analytics."""
        app, logs, env = self.place.app, self.place.connection.logs, self.place.environment
        kept = self._released()
        name = jobs.job_name(app.name, f"run-{secrets.token_hex(3)}")
        body = jobs.job(jobs.one_off(kept, command), env, kept["secrets"], app.location, RUN_SECONDS)
        app.write_job(name, body)
        try:
            execution = app.start_job(name)
            ended = executions.follow(self.place, name, execution, "", RUN_SECONDS)
            for line in logs.awaited(lambda: logs.of_execution(execution, LINES)):
                show(line)
        finally:
            app.delete_job(name)
        if ended.exit_code is None:
            code, message, hint = ended_as.cause(ended, ())
            code = "RUN_FAILED" if code == "MIGRATION_FAILED" else code
            said = "the command failed, and Azure's log does not tell its exit code yet"
            raise fail(code, message or said, *ended.events[-3:], hint=hint if message else "see its log in the portal")
        return ended.exit_code

    def restart(self) -> Undo:
        """Begin to replace the replicas of the release; a new version of a secret makes a further revision."""
        kept = self._released()
        newest = references.with_versions(kept, self.place.environment, self.place.connection.secrets.by_variable)
        self.place.begin(newest, fresh=newest == kept)
        return lambda: self.place.begin(kept)

    @property
    def shell_hint(self) -> str:
        env = self.place.environment
        return f"az containerapp exec --resource-group {env.resource_group} --name {env.app}"

    def set_count(self, kept: Kept, count: int) -> None:
        scale = kept["template"]["scale"]
        scale["minReplicas"], scale["maxReplicas"] = count, max(count, int(scale["maxReplicas"]))

    def deletions(self) -> list[Change]:
        app = self.place.app
        found = [Change("delete", f"app {app.name}")] if app.get() else []
        found += [Change("delete", f"Job {name}") for name in sorted(str(job["name"]) for job in app.jobs())]
        return found + ([Change("delete", "the history")] if self.place.records() else [])

    def delete(self, kind: str, name: str) -> None:
        if kind == "app":
            self.place.app.delete()
        elif kind == "Job":
            self.place.app.delete_job(name)
        else:
            self.place.connection.ledger.delete()
