"""Daily operations on Cloud Run: the protocol `Operations`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, fail
from toolkit.deploy.places.cloudrun import executions, render
from toolkit.deploy.places.cloudrun.place import CloudRunPlace
from toolkit.deploy.places.traffic.operations import LINES, RUN_SECONDS, TrafficOperations

if TYPE_CHECKING:
    from toolkit.deploy.places.operations import Undo
    from toolkit.deploy.records import Kept


class CloudRunOperations(TrafficOperations[CloudRunPlace]):
    """The Job with the history is deleted last."""

    remains = "the images, the secrets, and the database"
    database_hint = "for Cloud SQL: `cloud-sql-proxy PROJECT:REGION:INSTANCE`"

    def run(self, command: Sequence[str], show: Callable[[str], None]) -> int:
        """Run the command as a Job of its own, which is deleted at the end; its lines come from Cloud Logging."""
        run = self.place.run
        name = render.job_name(run.name, f"run-{secrets.token_hex(3)}")
        spec = render.one_off(self._released(), self.place.environment, command, RUN_SECONDS)
        run.write_job(name, None, run.job_body(name, None, spec, {}))
        execution = ""
        try:
            execution = str(run.start_job(name)["metadata"]["name"])
            ended = executions.follow(self.place, execution, "", RUN_SECONDS)
            for line in self.place.connection.logs.of_ended(execution, LINES):
                show(line)
        finally:
            if execution:
                run.delete_execution(execution)
            run.delete_job(name)
        if ended.exit_code is None:
            code, message, hint = executions.cause(ended, ())
            raise fail(code, message or "the command cannot be started", ended.message, hint=hint)
        return ended.exit_code

    def restart(self) -> Undo:
        """Begin to replace the revision with a further one of the same release, with the newest secrets."""
        web = self._released()
        self.place.begin(render.with_versions(web, self.place.connection.secrets.by_variable), fresh=True)
        return lambda: self.place.begin(web)

    @property
    def shell_hint(self) -> str:
        return f"python3 tasks.py run {self.place.environment.name} -- COMMAND"

    def set_count(self, kept: Kept, count: int) -> None:
        annotations = kept["template"]["metadata"]["annotations"]
        annotations[render.MIN] = str(count)
        annotations[render.MAX] = str(max(count, int(annotations[render.MAX])))

    def deletions(self) -> list[Change]:
        run, ledger = self.place.run, self.place.connection.ledger.job
        found = [Change("delete", f"service {run.name}")] if run.get() else []
        names = sorted((str(job["metadata"]["name"]) for job in run.jobs()), key=lambda name: (name == ledger, name))
        return found + [Change("delete", f"Job {name}") for name in names]

    def delete(self, kind: str, name: str) -> None:
        if kind == "service":
            self.place.run.delete()
        else:
            self.place.run.delete_job(name)
