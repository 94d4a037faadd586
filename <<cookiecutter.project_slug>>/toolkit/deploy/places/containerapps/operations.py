"""Daily operations on Container Apps: the protocol `Operations`."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Failed, Plan, fail
from toolkit.deploy.places.containerapps import executions, render
from toolkit.deploy.records import last_good

if TYPE_CHECKING:
    from toolkit.deploy.places.containerapps.place import ContainerAppsPlace
    from toolkit.deploy.places.operations import Undo
    from toolkit.deploy.places.values import Tunnel
    from toolkit.deploy.records import Kept

RUN_SECONDS = 3600
LINES = 1000


class ContainerAppsOperations:
    def __init__(self, place: ContainerAppsPlace) -> None:
        self.place = place

    def run(self, command: Sequence[str], show: Callable[[str], None]) -> int:
        """Run the command as a Job of its own, which is deleted at the end; its lines come from Log Analytics."""
        app, logs, env = self.place.app, self.place.logs_of, self.place.environment
        kept = self._released()
        name = render.job_name(app.name, f"run-{secrets.token_hex(3)}")
        body = render.job(render.one_off(kept, command), env, kept["secrets"], app.location, RUN_SECONDS)
        app.write_job(name, body)
        try:
            execution = app.start_job(name)
            ended = executions.follow(self.place, name, execution, "", RUN_SECONDS)
            for line in logs.awaited(lambda: logs.of_execution(execution, LINES)):
                show(line)
        finally:
            app.delete_job(name)
        if ended.exit_code is None:
            code, message, hint = executions.cause(ended, ())
            code = "RUN_FAILED" if code == "MIGRATION_FAILED" else code
            said = "the command failed, and Azure's log does not tell its exit code yet"
            raise fail(code, message or said, *ended.events[-3:], hint=hint if message else "see its log in the portal")
        return ended.exit_code

    def shell(self) -> int:
        env = self.place.environment
        hint = f"az containerapp exec --resource-group {env.resource_group} --name {env.app}"
        raise self._unsupported("a shell", hint)

    @contextmanager
    def database(self, port: int) -> Iterator[Tunnel]:
        raise self._unsupported("a tunnel to the database", "connect from a machine in the environment's network")
        yield  # a generator

    def restart(self) -> Undo:
        """Begin to replace the replicas of the release; a new version of a secret makes a further revision."""
        kept = self._released()
        newest = render.with_versions(kept, self.place.environment, self.place.secrets.by_variable)
        self.place.begin(newest, fresh=newest == kept)
        return lambda: self.place.begin(kept)

    def autoscaler(self) -> str:
        return ""

    def scale(self, count: int, process: str = "") -> Undo:
        """Begin to keep so many replicas; Container Apps adds more under load, up to `max_replicas`."""
        if process:
            raise fail("NO_SUCH_PROCESS", f"{process} does not exist", hint="leave out --process")
        kept = self._released()
        scaled = copy.deepcopy(kept)
        scale = scaled["template"]["scale"]
        scale["minReplicas"], scale["maxReplicas"] = count, max(count, int(scale["maxReplicas"]))
        self.place.begin(scaled)
        return lambda: self.place.begin(kept)

    def set_secret(self, name: str, value: str) -> str:
        version = self.place.secrets.add_version(name, value)
        return f"{name} is version {version}; `python3 tasks.py deploy {self.place.environment.name}` releases it"

    def removal(self, *, database: bool) -> Plan:
        """Return the app, its Jobs and its history. Raises Failed DATABASE_NOT_OURS."""
        if database:
            hint = "remove it where it runs; leave out --database"
            message = f"the toolkit does not run the database of {self.place.environment.name}"
            raise fail("DATABASE_NOT_OURS", message, hint=hint)
        app = self.place.app
        found = [Change("delete", f"app {app.name}")] if app.get() else []
        found += [Change("delete", f"Job {name}") for name in sorted(str(job["name"]) for job in app.jobs())]
        found += [Change("delete", "the history")] if self.place.records() else []
        return Plan(tuple(found), note="kept: the environment, the images, the secrets, and the database")

    def remove(self, plan: Plan) -> None:
        for change in plan.changes:
            kind, _, name = change.what.partition(" ")
            self.place.report.progress("remove", change.what)
            if kind == "app":
                self.place.app.delete()
            elif kind == "Job":
                self.place.app.delete_job(name)
            else:
                self.place.ledger.delete()

    def _released(self) -> Kept:
        """Return the app of the last good release. Raises Failed NOT_DEPLOYED."""
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
        return fail("NOT_SUPPORTED", f"the toolkit has no way to open {what} on Container Apps", hint=hint)
