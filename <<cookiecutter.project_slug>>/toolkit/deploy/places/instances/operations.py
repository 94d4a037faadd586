"""Daily operations on Container Instances: the protocol `Operations`."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Change, Failed, Plan, fail
from toolkit.deploy.places.azure.ended import cause
from toolkit.deploy.places.instances import one_off, render
from toolkit.deploy.records import last_good
from toolkit.deploy.spec import secrets_from

if TYPE_CHECKING:
    from toolkit.deploy.places.instances.place import InstancesPlace
    from toolkit.deploy.places.operations import Undo
    from toolkit.deploy.places.values import Tunnel
    from toolkit.deploy.records import Kept

RUN_SECONDS = 3600
LINES = 1000


class InstancesOperations:
    def __init__(self, place: InstancesPlace) -> None:
        self.place = place

    def run(self, command: Sequence[str], show: Callable[[str], None]) -> int:
        """Run the command as a container group of its own, which is deleted at the end."""
        env, groups = self.place.environment, self.place.connection.groups
        name = render.one_off_name(env, f"run-{secrets.token_hex(3)}")
        body = render.one_off(self._released(), env, command, secrets_from(env, os.environ))
        try:
            groups.put(name, body)
            ended = one_off.follow(self.place, name, "", RUN_SECONDS)
            for line in groups.lines(name, LINES):
                show(line)
        finally:
            groups.delete(name)
        if ended.exit_code is None:
            code, message, hint = cause(ended, ())
            code = "RUN_FAILED" if code == "MIGRATION_FAILED" else code
            raise fail(code, message or "the command cannot be started", *ended.events[-3:], hint=hint)
        return ended.exit_code

    def shell(self) -> int:
        env = self.place.environment
        hint = f"az container exec --resource-group {env.resource_group} --name {env.container_group} --exec-command sh"
        raise self._unsupported("open a shell", hint)

    @contextmanager
    def database(self, port: int) -> Iterator[Tunnel]:
        raise self._unsupported("open a tunnel to the database", "connect from a machine in the database's network")
        yield  # a generator

    def restart(self) -> Undo:
        """Begin to restart the container: the service does not answer until it is ready again."""
        kept = self._released()
        self.place.begin_restart(kept)
        return lambda: self.place.begin_restart(kept)

    def autoscaler(self) -> str:
        return ""

    def scale(self, count: int, process: str = "") -> Undo:
        raise self._unsupported("scale: a container group has one container", "use `place: containerapps`")

    def set_secret(self, name: str, value: str) -> str:
        hint = "export the variable, or change it in the store, and deploy again"
        raise self._unsupported("store a secret: a release carries its value", hint)

    def removal(self, *, database: bool) -> Plan:
        """Return the container groups and the history. Raises Failed DATABASE_NOT_OURS."""
        if database:
            hint = "remove it where it runs; leave out --database"
            message = f"the toolkit does not run the database of {self.place.environment.name}"
            raise fail("DATABASE_NOT_OURS", message, hint=hint)
        found = [Change("delete", f"container group {name}") for name in self.place.connection.groups.listed()]
        found += [Change("delete", "the history")] if self.place.records() else []
        return Plan(tuple(found), note="kept: the images, the secrets, and the database")

    def remove(self, plan: Plan) -> None:
        for change in plan.changes:
            self.place.report.progress("remove", change.what)
            if change.what == "the history":
                self.place.connection.ledger.delete()
            else:
                self.place.connection.groups.delete(change.what.rpartition(" ")[2])

    def _released(self) -> Kept:
        """Return the group of the last good release. Raises Failed NOT_DEPLOYED."""
        record = last_good(self.place.records())
        if record is None or not record.objects:
            name = self.place.environment.name
            message = f"{self.place.service} has no release in {name} that passed its smoke test"
            raise fail("NOT_DEPLOYED", message, hint=f"python3 tasks.py deploy {name}")
        return dict(record.objects[0])

    def _unsupported(self, what: str, hint: str) -> Failed:
        return fail("NOT_SUPPORTED", f"on Container Instances the toolkit cannot {what}", hint=hint)
