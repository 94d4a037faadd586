"""Daily operations on Cloud Run: the protocol `Operations`."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Failed, Plan, fail
from toolkit.deploy.places.cloudrun import executions, render
from toolkit.deploy.records import last_good

if TYPE_CHECKING:
    from toolkit.deploy.places.cloudrun.place import CloudRunPlace
    from toolkit.deploy.places.operations import Undo
    from toolkit.deploy.places.values import Tunnel
    from toolkit.deploy.records import Kept

RUN_SECONDS = 3600
LINES = 1000  # of a page of Cloud Logging


class CloudRunOperations:
    def __init__(self, place: CloudRunPlace) -> None:
        self.place = place

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
            for line in self.place.logs_of.of_ended(execution, LINES):
                show(line)
        finally:
            if execution:
                run.delete_execution(execution)
            run.delete_job(name)
        if ended.exit_code is None:
            code, message, hint = executions.cause(ended, ())
            raise fail(code, message or "the command cannot be started", ended.message, hint=hint)
        return ended.exit_code

    def shell(self) -> int:
        raise self._unsupported("a shell", f"python3 tasks.py run {self.place.environment.name} -- COMMAND")

    @contextmanager
    def database(self, port: int) -> Iterator[Tunnel]:
        raise self._unsupported("a tunnel to the database", "for Cloud SQL: `cloud-sql-proxy PROJECT:REGION:INSTANCE`")
        yield  # a generator

    def restart(self) -> Undo:
        """Begin to replace the revision with a further one of the same release, with the newest secrets."""
        web = self._released()
        self.place.begin(render.with_versions(web, self.place.secrets.by_variable), fresh=True)
        return lambda: self.place.begin(web)

    def autoscaler(self) -> str:
        return ""

    def scale(self, count: int, process: str = "") -> Undo:
        """Begin to keep so many instances; Cloud Run adds more under load, up to `max_instances`."""
        if process:
            hint = "leave out --process: a scheduled command has no instances"
            raise fail("NO_SUCH_PROCESS", f"{process} runs on a schedule", hint=hint)
        web = self._released()
        scaled = copy.deepcopy(web)
        annotations = scaled["template"]["metadata"]["annotations"]
        annotations[render.MIN] = str(count)
        annotations[render.MAX] = str(max(count, int(annotations[render.MAX])))
        self.place.begin(scaled)
        return lambda: self.place.begin(web)

    def set_secret(self, name: str, value: str) -> str:
        version = self.place.secrets.add_version(name, value)
        return f"{name} is version {version}; `python3 tasks.py deploy {self.place.environment.name}` releases it"

    def removal(self, *, database: bool) -> Plan:
        """Return the service and its Jobs, that with the history last. Raises Failed DATABASE_NOT_OURS."""
        if database:
            hint = "remove it where it runs; leave out --database"
            message = f"the toolkit does not run the database of {self.place.environment.name}"
            raise fail("DATABASE_NOT_OURS", message, hint=hint)
        run, ledger = self.place.run, self.place.ledger.job
        found = [Change("delete", f"service {run.name}")] if run.get() else []
        names = sorted((str(job["metadata"]["name"]) for job in run.jobs()), key=lambda name: (name == ledger, name))
        found += [Change("delete", f"Job {name}") for name in names]
        return Plan(tuple(found), note="kept: the images, the secrets, and the database")

    def remove(self, plan: Plan) -> None:
        for change in plan.changes:
            kind, _, name = change.what.partition(" ")
            self.place.report.progress("remove", change.what)
            if kind == "service":
                self.place.run.delete()
            else:
                self.place.run.delete_job(name)

    def _released(self) -> Kept:
        """Return the service of the last good release. Raises Failed NOT_DEPLOYED."""
        record = last_good(self.place.records())
        if record is None or not record.objects:
            name = self.place.environment.name
            raise fail(
                "NOT_DEPLOYED",
                f"{self.place.service} has no release in {name} that passed its smoke test",
                hint=f"python3 tasks.py deploy {name}",
            )
        return dict(record.objects[0])

    def _unsupported(self, what: str, hint: str) -> Failed:
        return fail("NOT_SUPPORTED", f"Cloud Run has no way to open {what}", hint=hint)
