"""A PostgreSQL container beside the service: created once by a deploy, with a volume and a generated password.

No release changes it.
"""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.deploy.inventory.machine import DATABASE_URL
from toolkit.deploy.outcomes import Change, Failed, fail
from toolkit.deploy.places.machine.engine import PROJECT, ROLE
from toolkit.deploy.places.machine.rollout import local_port

if TYPE_CHECKING:
    from toolkit.deploy.inventory.machine import Database
    from toolkit.deploy.places.machine.engine import Instance
    from toolkit.deploy.places.machine.host import Machine
    from toolkit.deploy.report import Report

DATABASE = "database"  # the role of the container
NAME = "app"  # of the database and of its owner
VERSION = "deploy.version"
PASSWORD_FILE = "database/password"  # noqa: S105 - a path
READY_SECONDS = 180
SCHEMA = """set -e
none=$({psql} -c "select to_regclass('alembic_version') is null")
[ "$none" = t ] || {psql} -c "select version_num from alembic_version order by 1"
"""
# Since 18 the image keeps its data in a folder of the major version below this one.
FOLDER, FOLDER_BEFORE_18 = "/var/lib/postgresql", "/var/lib/postgresql/data"


@dataclass(frozen=True)
class Found:
    """State of the accessory on its host."""

    password: str | None
    volume: Mapping[str, str] | None  # its labels
    container: Instance | None


def name_of(project: str) -> str:
    """Return the name of the container and of its volume."""
    return f"{project}-postgres"


def url(project: str, password: str) -> str:
    return f"postgresql://{NAME}:{password}@{name_of(project)}:5432/{NAME}"


def changes(project: str, host: str, given: Database, found: Found) -> list[Change]:
    """Return what a deploy does. Pure. Raises Failed DATABASE_VERSION, DATABASE_PASSWORD."""
    name = name_of(project)
    if found.volume is not None:
        have = found.volume.get(VERSION, str(given.version))
        if have != str(given.version):
            hint = (
                f"keep `database: {{version: {have}}}`; for a newer one: back up, stop the service, remove container "
                f"and volume {name}, deploy, and restore"
            )
            message = f"volume {name} on {host} has data of PostgreSQL {have}, and the inventory names {given.version}"
            raise fail("DATABASE_VERSION", message, hint=hint)
        if found.password is None:
            hint = (
                f"write it to that file (mode 0600); or set a new one there and by `docker exec {name} psql -U {NAME} "
                f"-c '\\password'`"
            )
            path = f"/var/lib/deploy/{project}/{PASSWORD_FILE}"
            raise fail(
                "DATABASE_PASSWORD", f"{host} has the database's volume, but not its password: {path}", hint=hint
            )
    needed = [] if found.volume is not None else [Change("create", f"volume {name} on {host}")]
    if found.container is None or found.volume is None:
        return [*needed, Change("create", f"container {name} on {host}")]
    if found.container.status not in ("running", "restarting"):
        return [Change("start", f"container {name} on {host}")]
    return needed


def arguments(project: str, given: Database, password: str) -> dict[str, Any]:
    """Return the engine's arguments. Pure."""
    name = name_of(project)
    return {
        "image": given.image_name,
        "name": name,
        "labels": {PROJECT: project, ROLE: DATABASE},
        "environment": {"POSTGRES_USER": NAME, "POSTGRES_DB": NAME, "POSTGRES_PASSWORD": password},
        "networks": {project: [DATABASE]},
        "host": {
            "binds": [f"{name}:{FOLDER if given.version >= 18 else FOLDER_BEFORE_18}"],
            "restart_policy": {"Name": "unless-stopped"},
            "shm_size": "256m",
            # The image starts as root, takes the volume for its own account, and then becomes that.
            "cap_drop": ["ALL"],
            "cap_add": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"],
            "security_opt": ["no-new-privileges"],
            "log_config": {"type": "json-file", "config": {"max-size": "10m", "max-file": "5"}},
        },
    }


class Accessory:
    """The accessory of an environment, on its only host."""

    def __init__(self, machine: Machine, given: Database, report: Report) -> None:
        self.machine, self.given, self.report = machine, given, report
        self._new_password = secrets.token_urlsafe(24)
        self._found: Found | None = None

    @property
    def name(self) -> str:
        return name_of(self.machine.project)

    def forget(self) -> None:
        """Look at the host again: another deployer may have changed it."""
        self._found = None

    def found(self) -> Found:
        if self._found is None:
            said = self.machine.read(PASSWORD_FILE)
            volume, container = self.machine.engine.volume(self.name), self.machine.engine.inspect(self.name)
            self._found = Found(said.strip() if said else None, volume, container)
        return self._found

    @property
    def password(self) -> str:
        """Return the password: the generated one, until the host has one."""
        return self.found().password or self._new_password

    @property
    def variables(self) -> Mapping[str, str]:
        """Return the service's way to its database."""
        return {DATABASE_URL: url(self.machine.project, self.password)}

    def schema(self) -> str | None:
        """Return the head of the database's migrations; empty without any, None if it does not answer."""
        if self.found().volume is None:
            return ""
        done = self.machine.connection.run(SCHEMA.format(psql=f"docker exec {self.name} psql -U {NAME} -d {NAME} -At"))
        return None if done.code else ",".join(done.out.split())

    def plan(self) -> Sequence[Change]:
        return changes(self.machine.project, self.machine.name, self.given, self.found())

    def create(self) -> None:
        """Create or start what is missing, and wait until it accepts connections. Raises Failed DATABASE_NOT_READY."""
        if not self.plan():
            return
        machine, engine, found = self.machine, self.machine.engine, self.found()
        if machine.project not in engine.networks(machine.project):
            engine.create_network(machine.project, machine.project)
        if found.container is None or found.volume is None:
            self._fetch()
            if found.password is None:
                machine.write(PASSWORD_FILE, self.password + "\n")
            if found.volume is None:
                engine.create_volume(self.name, {PROJECT: machine.project, VERSION: str(self.given.version)})
            engine.remove(self.name)
            engine.create(arguments(machine.project, self.given, self.password))
        engine.start(self.name)
        self._await_ready()
        self.forget()

    def _fetch(self) -> None:
        """Pull the image unless the host has it, and check its version. Raises Failed DATABASE_VERSION."""
        engine, image = self.machine.engine, self.given.image_name
        if not engine.has_image(image):
            self.report.progress("config", f"{self.machine.name}: pulling {image}")
            repository, _, tag = image.rpartition("@") if "@" in image else image.rpartition(":")
            with self.machine.connection.lending(port) if (port := local_port(image)) else nullcontext():
                engine.pull(repository, tag)
        # The folder of its data depends on the version: a wrong one would put the data outside the volume.
        command = f"docker run --rm --network none --entrypoint postgres {shlex.quote(image)} --version"
        said = self.machine.connection.run(command)
        version = said.out.strip().rpartition(" (")[0] or said.out.strip()
        if f") {self.given.version}." not in said.out:
            message = f"{image} is not PostgreSQL {self.given.version}: {version or said.err.strip()[:200]}"
            hint = "set `database.version` to the image's major version"
            raise fail("DATABASE_VERSION", message, hint=hint)

    def _await_ready(self) -> None:
        began = time.monotonic()
        # Over TCP: at the first start, a temporary server listens on the socket alone.
        command = f"docker exec {self.name} pg_isready -q -h 127.0.0.1 -U {NAME} -d {NAME}"
        while self.machine.connection.run(command).code:
            live = self.machine.engine.inspect(self.name)
            if live is None or live.restarts > 2 or time.monotonic() - began > READY_SECONDS:
                raise self._not_ready()
            self.report.progress("config", f"{self.name}: starting")
            time.sleep(0.5)

    def _not_ready(self) -> Failed:
        lines = self.machine.engine.logs(self.name, 10)
        hint = f"`docker logs {self.name}` on the host has more; correct the cause, then deploy again"
        return fail("DATABASE_NOT_READY", f"{self.name} does not accept connections", *lines, hint=hint)
