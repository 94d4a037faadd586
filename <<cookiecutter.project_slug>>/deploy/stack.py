"""What docker-compose.yml comes to on this machine, asked from Compose itself, and what would keep it from starting."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from deploy import process
from deploy.model import Failed, fail

if TYPE_CHECKING:
    from docker import DockerClient

PASSWORD = "POSTGRES_PASSWORD"  # noqa: S105 - the name of a variable
OWNER = "SERVICE_USER"
OWNER_BY_DEFAULT = "1000:1000"  # docker-compose.yml
PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"


@dataclass(frozen=True)
class Port:
    service: str
    host: str
    number: int

    @property
    def variable(self) -> str:
        """docker-compose.yml names them all alike."""
        return f"{self.service.replace('-', '_').upper()}_PORT"


@dataclass(frozen=True)
class Stack:
    """The resolved file. `services` are those of the profiles that were asked for."""

    name: str
    services: Mapping[str, Any]

    def port(self, service: str) -> int:
        return next(port.number for port in self.ports if port.service == service)

    @property
    def ports(self) -> list[Port]:
        return [
            Port(name, entry.get("host_ip") or "0.0.0.0", int(entry["published"]))  # noqa: S104 - what Compose means
            for name, service in self.services.items()
            for entry in service.get("ports") or ()
            if entry.get("published")
        ]


def command(*arguments: str, profiles: Sequence[str] = ()) -> list[str]:
    """The argument list of a Compose call. Pure."""
    return ["docker", "compose", *(part for name in profiles for part in ("--profile", name)), *arguments]


def variables(profiles: Sequence[str] = ()) -> dict[str, str]:
    """What Compose gets beside .env: whose files these are, and where traces go when something takes them."""
    given = {OWNER: owner()}
    if "observability" in profiles:
        given["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://otel-collector:4318"
    return given


def owner() -> str:
    return f"{os.getuid()}:{os.getgid()}"


def resolve(project: Path, profiles: Sequence[str] = ()) -> Stack:
    """Raises Failed ENV_MISSING, ENV_MALFORMED, COMPOSE_INVALID."""
    done = process.run(command("config", "--format", "json", profiles=profiles), cwd=project, env=variables(profiles))
    if done.code:
        raise explain(done.err)
    content = json.loads(done.out)
    stack = Stack(content["name"], content["services"])
    check_password(stack.services["db"]["environment"][PASSWORD])
    return stack


def explain(said: str) -> Failed:
    """Why Compose can't read its file or .env. Pure."""
    lines = [line.strip() for line in said.strip().splitlines() if line.strip() and "level=warning" not in line]
    last = lines[-1] if lines else "no reason given"
    if found := re.search(r"required variable (\w+) is missing", last):
        return fail("ENV_MISSING", f"{found[1]} has no value", hint=f"add a line `{found[1]}=...` to .env")
    if found := re.search(r"\.env: line (\d+): (.+)", last):
        return fail("ENV_MALFORMED", f".env can't be read, line {found[1]}", found[2], hint="a line is NAME=value")
    return fail("COMPOSE_INVALID", "Compose can't read its configuration", last, hint="`docker compose config`")


def check_password(password: str) -> None:
    """It becomes a part of DATABASE_URL. Raises Failed ENV_MALFORMED. Pure."""
    if quote(password, safe="") != password:
        raise fail(
            "ENV_MALFORMED",
            f"{PASSWORD} has characters that an address can't carry",
            hint="take letters, digits, `-`, `_`, `.` and `~`",
        )


def ensure_dotenv(project: Path, client: DockerClient) -> str:
    """Make .env from .env.example with a password of its own when there is none; what was done, or nothing.

    Raises Failed PASSWORD_LOST when there is a database whose password went with an earlier .env.
    """
    path = project / ".env"
    if path.exists() or os.environ.get(PASSWORD):
        return ""
    volume = f"{project_name(project)}_database"
    if client.volumes.list(filters={"name": f"^{volume}$"}):
        raise fail(
            "PASSWORD_LOST",
            f"there is no .env, but a database (volume {volume}) whose password was in it",
            hint="bring .env back, or drop the database with `python3 tasks.py down --volumes`",
        )
    example = (project / ".env.example").read_text("utf-8")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(filled(example, secrets.token_urlsafe(18), owner()))
    return ".env made from .env.example, with a password of its own for the database"


def filled(example: str, password: str, user: str) -> str:
    """The example with a password, and with the files' owner where that is not the usual one. Pure."""
    line = f"{PASSWORD}={password}"
    text, count = re.subn(rf"^#?\s*{PASSWORD}=.*$", line, example, count=1, flags=re.M)
    text = text if count else f"{example.rstrip()}\n{line}\n"
    if user == OWNER_BY_DEFAULT:
        return text
    return f"{text.rstrip()}\n\n# Whose files these are, for the containers of docker-compose.yml\n{OWNER}={user}\n"


def project_name(project: Path) -> str:
    given = os.environ.get("COMPOSE_PROJECT_NAME")
    return given or str(tomllib.loads((project / "service.toml").read_text("utf-8"))["service"]["name"])


def check_ports(stack: Stack, client: DockerClient) -> None:
    """Raises Failed PORT_TAKEN for a port that somebody else has: Compose finds out when half of it runs."""
    ours = {container.labels.get(SERVICE_LABEL) for container in containers(client, stack.name)}
    for port in stack.ports:
        if port.service not in ours and not is_free(port.host, port.number):
            raise fail(
                "PORT_TAKEN",
                f"port {port.number} of {port.host}, for {port.service}, is taken by another program",
                hint=f"stop that one, or choose another: {port.variable}={next_free(port)} in .env",
            )


def containers(client: DockerClient, project: str, service: str = "", *, ended: bool = False) -> list[Any]:
    """Those of a Compose project, or of one service in it, that run; with `ended` the others, too."""
    labels = [f"{PROJECT_LABEL}={project}", *([f"{SERVICE_LABEL}={service}"] if service else [])]
    return client.containers.list(all=ended, filters={"label": labels})


def last_words(client: DockerClient, project: str, service: str, lines: int = 12) -> list[str]:
    """What a service's container has said last."""
    found = containers(client, project, service, ended=True)
    return found[0].logs(tail=lines).decode(errors="replace").splitlines() if found else []


def is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def next_free(port: Port) -> int:
    return next(number for number in range(port.number + 1, 65536) if is_free(port.host, number))
