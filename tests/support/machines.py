"""A stage on machines: a project of its own on a host over SSH, with a PostgreSQL that the host does not manage."""

import json
import os
import shlex
import shutil
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.support import provider
from tests.support.load import Load
from tests.support.processes import under_way
from tests.support.provider import Provider
from tests.support.stage import POSTGRES, Ended, Images, run, until

PASSWORD = "s3cret-of-the-stage"
IDLE = "python:3.13-slim sleep 1000"  # an image that every host has, and what it runs
QUICK = ("drain_seconds=2", "graceful_seconds=4", "hold_seconds=2", "lease_seconds=12")


@dataclass(frozen=True)
class Host:
    """A machine of the tests, from its variables (TEST_VM, TEST_VM2)."""

    variable: str

    @property
    def ssh(self) -> str:
        return os.environ[self.variable]

    @property
    def config(self) -> str:
        return os.environ[f"{self.variable}_SSH"]

    @property
    def address(self) -> str:
        return os.environ[f"{self.variable}_ADDRESS"]

    def run(self, script: str, seconds: float = 120) -> str:
        return run("ssh", "-F", self.config, self.ssh, script, seconds=seconds)

    def unavailable(self) -> str:
        """Return why there is no such machine; empty if it answers."""
        if not os.environ.get(self.variable):
            return f"no machine to deploy to ({self.variable})"
        done = subprocess.run(
            ["ssh", "-F", self.config, self.ssh, "docker version"], capture_output=True, timeout=60, check=False
        )
        return "" if done.returncode == 0 else f"{self.variable} does not answer"


@dataclass
class MachineStage:
    """One project. `deploy(...)` runs `python3 tasks.py deploy staging --yes` in the service's folder."""

    name: str
    project: Path
    images: Images
    environment: dict[str, str]
    hosts: tuple[Host, ...] = (Host("TEST_VM"),)
    port: int = 0
    database: str = ""
    settings: tuple[str, ...] = QUICK
    more: tuple[str, ...] = ()
    ssh_config: str = ""

    @contextmanager
    def fresh(self) -> Iterator["MachineStage"]:
        """This stage in a project of its own, with a database; gone afterwards."""
        name = f"test-{uuid.uuid4().hex[:8]}"
        host = self.hosts[0]
        try:
            port = free_port()  # a fixed one: after a reboot it is still in DATABASE_URL
            script = (
                f"docker run -d --name {name}-postgres -e POSTGRES_PASSWORD={PASSWORD} -e POSTGRES_DB=shop "
                f"-p {port}:5432 {POSTGRES}"
            )
            # Several hosts may not reach each other, but each reaches this machine.
            several = len(self.hosts) > 1
            _ = run("sh", "-c", script) if several else host.run(script)
            database = f"postgresql://postgres:{PASSWORD}@{here(host) if several else host.address}:{port}/shop"
            made = replace(self, name=name, database=database, port=free_port())
            until(lambda: made.accepts_connections(), 120, "PostgreSQL")
            yield made
        finally:
            for each in self.hosts:
                clear(each, name)
            if len(self.hosts) > 1:
                run("docker", "rm", "-fv", f"{name}-postgres")

    def accepts_connections(self) -> bool:
        with suppress(AssertionError):
            return self.sql("select 1") == "1"
        return False

    @cached_property
    def token(self) -> str:
        return Provider(Path(self.images.keys)).token()

    @property
    def url(self) -> str:
        return self.url_of(self.hosts[0])

    def url_of(self, host: Host) -> str:
        return f"http://{host.address}:{self.port}"

    def load(self, rate: float = 120, threads: int = 6) -> Load:
        return Load(self.url, rate, threads, token=self.token)

    @property
    def keys(self) -> Sequence[str]:
        key = json.dumps(Provider(Path(self.images.keys)).public_key)
        return (
            "place=machine",
            f"hosts=[{', '.join(host.ssh for host in self.hosts)}]",
            f"ssh_config={self.ssh_config or self.hosts[0].config}",
            f"project={self.name}",
            f"proxy.http_port={self.port}",
            f"repository={self.images.repository}",
            "replicas=1",
            f"settings.JWT_KEY={key}",
            f"settings.JWT_ISSUER={provider.ISSUER}",
            f"settings.JWT_AUDIENCE={provider.AUDIENCE}",
            *self.settings,
            *self.more,
        )

    def command(self, task: str, *arguments: str, image: str | None = None) -> list[str]:
        given = (*self.keys, *((f"image={self.images.digests.get(image, image)}",) if image else ()))
        python = str(self.project / ".venv" / "bin" / "python")
        pairs = [part for pair in given for part in ("-e", pair)]
        return [python, "tasks.py", task, "staging", *pairs, *arguments]

    @property
    def variables(self) -> dict[str, str]:
        return {**self.environment, "DATABASE_URL": self.database}

    def task(self, task: str, *arguments: str, image: str | None = None, seconds: float = 900, **env: str) -> Ended:
        began = time.monotonic()
        done = subprocess.run(
            self.command(task, *arguments, image=image),
            cwd=self.project,
            env={**self.variables, **env},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Ended(done.returncode, done.stdout + done.stderr, time.monotonic() - began)

    def deploy(self, image: str = "v1", *arguments: str, **env: str) -> Ended:
        return self.task("deploy", "--yes", *arguments, image=image, seconds=900, **env)

    @contextmanager
    def deploying(self, image: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A deploy that is under way; killed at the end if it still runs."""
        command = self.command("deploy", "--yes", *arguments, image=image)
        with under_way(command, self.project, self.variables) as child:
            yield child

    def served(self, host: Host | None = None) -> str:
        """Digest of the version that answers; empty without an answer."""
        with suppress(OSError, ValueError):
            url = self.url_of(host or self.hosts[0])
            with urllib.request.urlopen(f"{url}/health", timeout=60) as answer:  # noqa: S310 - our own address
                return str(json.load(answer).get("image_digest", ""))
        return ""

    def containers(self, host: Host | None = None) -> dict[str, str]:
        """Status of every container of the project, by name."""
        script = f"docker ps -a --filter label=deploy.project={self.name} --format '{{{{.Names}}}} {{{{.State}}}}'"
        lines = (host or self.hosts[0]).run(script).splitlines()
        return {name.removeprefix(f"{self.name}-"): state for name, state in map(str.split, lines)}

    def sql(self, statement: str) -> str:
        psql = f"psql -h 127.0.0.1 -U postgres -d shop -Atc {shlex.quote(statement)}"
        script = f"docker exec -e PGPASSWORD={PASSWORD} {self.name}-postgres {psql}"
        return (run("sh", "-c", script) if len(self.hosts) > 1 else self.hosts[0].run(script)).strip()

    def history(self) -> list[dict[str, Any]]:
        ended = self.task("history", "--json")
        assert ended.code == 0, ended
        return [json.loads(line) for line in ended.out.splitlines()]

    def copy(self, folder: Path) -> "MachineStage":
        """This stage with a checkout that may be changed."""
        project = folder / "shop"
        shutil.copytree(self.project, project, symlinks=True)
        return replace(self, project=project)


def here(host: Host) -> str:
    """Address of this machine for a host."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host.address, 9))
        return str(probe.getsockname()[0])


def free_port() -> int:
    """A port of a host; two tests seldom choose the same."""
    return 20000 + uuid.uuid4().int % 10000


def clear(host: Host, name: str) -> None:
    """Remove everything of a project from a host."""
    with suppress(AssertionError):
        host.run(
            f"docker rm -fv $(docker ps -aq --filter label=deploy.project={name}) {name}-postgres; exec 2>/dev/null; "
            f"docker network rm {name} {name}-edge; docker volume rm {name}-caddy {name}-postgres; "
            f"rm -rf /var/lib/deploy/{name}; true"
        )
