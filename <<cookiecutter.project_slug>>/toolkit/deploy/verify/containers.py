"""Checks of Compose's containers: they run, migrations are at head, tables exist, and the tests pass inside."""

from __future__ import annotations

import re
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.deploy import process
from toolkit.deploy.compose import config
from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.verify.checklist import Skipped

if TYPE_CHECKING:
    from docker import DockerClient

STAYING = ("app", "db")
AGAIN = "`python3 tasks.py up`"


@dataclass
class Contained:
    """The Compose project of this checkout. `missing`: why it cannot be checked; `fault`: why it did not start."""

    project: Path
    progress: Callable[[str], None]
    client: DockerClient | None = None
    found: config.Stack | None = None
    missing: str = ""
    fault: Failed | None = None

    def running(self) -> str:
        """Check that the containers are running and healthy, and that `migrate` has succeeded."""
        if self.fault:
            raise self.fault
        client, found = self._there()
        faults = []
        for service in STAYING:
            containers = config.containers(client, found.name, service)
            health = (
                containers[0].attrs["State"].get("Health", {}).get("Status", "healthy") if containers else "not running"
            )
            if health not in ("healthy", "starting"):
                faults.append(f"{service} is {health}")
        for container in config.containers(client, found.name, "migrate", ended=True):
            if container.attrs["State"]["Status"] == "exited" and container.attrs["State"]["ExitCode"]:
                faults.append(f"migrate ended with exit code {container.attrs['State']['ExitCode']}")
        if faults:
            raise fail("CONTAINERS", "; ".join(faults), hint=AGAIN)
        return f"{', '.join(STAYING)} are running, migrate has succeeded"

    def migrations(self) -> str:
        """Check that `alembic upgrade head` succeeds in the container, and that the schema matches the models."""
        self._exec("app", "alembic", "upgrade", "head")
        self._exec("app", "alembic", "check")
        return f"at {self._exec('app', 'alembic', 'current').split()[0]}, and the models agree"

    def tables(self) -> str:
        """Check the tables in the database itself, with psql."""
        from toolkit.dev.migrations import environment

        _, found = self._there()
        given = found.services["db"]["environment"]
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        login = ("--username", given["POSTGRES_USER"], "--dbname", given["POSTGRES_DB"])
        there = set(self._exec("db", "psql", *login, "--no-align", "--tuples-only", "--command", query).split())
        wanted = set(environment.metadata(self.project).tables)
        if lacking := sorted(wanted - there):
            raise fail("TABLES", f"the database lacks {', '.join(lacking)}", hint=AGAIN)
        return f"{', '.join(sorted(wanted))} in {given['POSTGRES_DB']}"

    def tests(self) -> str:
        """Run the whole test suite in the container, on its PostgreSQL, with the coverage gate."""
        kept: deque[str] = deque(maxlen=40)

        def hear(line: str) -> None:
            kept.append(line)
            self.progress(line[:100])

        client, found = self._there()
        if not config.containers(client, found.name, "db"):
            raise fail("TESTS", "the tests require the database, which does not run", hint=AGAIN)
        with self._one_off(client) as name:
            command = config.command(
                *("run", "--rm", "--no-TTY", "--no-deps", "--name", name, "app"), "pytest", "-q", "-n", "auto", "--cov"
            )
            code = process.follow(command, hear, cwd=self.project, env=config.variables())
        last = [line for line in kept if line.strip()]
        if code:
            told = [line for line in last if line.startswith(("FAILED", "ERROR", "FAIL "))]
            raise fail(
                "TESTS",
                last[-1] if last else f"exit code {code}",
                *told[:8],
                hint="run them in the container: `docker compose exec app pytest`",
            )
        coverage = next((match[1] for line in last if (match := re.search(r"Total coverage: ([\d.]+)%", line))), "")
        return f"{last[-1].strip('= ')}{f', {coverage} % covered' if coverage else ''}"

    @contextmanager
    def _one_off(self, client: DockerClient) -> Iterator[str]:
        """Yield the name of a container that is removed afterwards in any case.

        A process started by `docker compose exec` continues in the container when its client is interrupted.
        """
        from docker.errors import APIError

        name = f"verify-{uuid.uuid4().hex[:12]}"
        try:
            yield name
        finally:
            with suppress(APIError):  # it has ended and was removed
                client.containers.get(name).remove(force=True)

    def _exec(self, service: str, *command: str) -> str:
        self._there()
        done = process.run(self._command(service, *command), cwd=self.project, env=config.variables(), seconds=120)
        if done.code:
            raise fail("IN_CONTAINER", f"`{' '.join(command[:3])}` in {service} ended with {done.code}", done.cause)
        return done.out

    def _command(self, service: str, *command: str) -> list[str]:
        return config.command("exec", "-T", service, *command)

    def _there(self) -> tuple[DockerClient, config.Stack]:
        if self.client is None or self.found is None:
            raise Skipped(self.missing)
        return self.client, self.found
