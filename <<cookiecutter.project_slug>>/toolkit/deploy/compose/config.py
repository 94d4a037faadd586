"""The resolved docker-compose.yml on this machine, from Compose itself."""

from __future__ import annotations

import json
import re
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.deploy import process, program_errors
from toolkit.deploy.compose import dotenv
from toolkit.deploy.outcomes import Failed, fail, nearest

if TYPE_CHECKING:
    from docker import DockerClient

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
ONE_OFF_LABEL = "com.docker.compose.oneoff"
# Every profile at once: `down` must also stop the containers of another `up`.
ALL_PROFILES = ("*",)
# Run as the owner of this folder, and so may read private files.
OWNERS_SERVICES = ("app", "migrate")


@dataclass(frozen=True)
class Port:
    service: str
    host: str
    number: int

    @property
    def variable(self) -> str:
        """Return the variable's name; docker-compose.yml uses the same pattern for all."""
        return f"{self.service.replace('-', '_').upper()}_PORT"


@dataclass(frozen=True)
class Stack:
    """The resolved file. `services` of the chosen profiles, `volumes`: the engine's names by the file's."""

    name: str
    services: Mapping[str, Any]
    volumes: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()

    def port(self, service: str) -> int:
        return next(port.number for port in self.ports if port.service == service)

    @property
    def ports(self) -> list[Port]:
        return [
            Port(name, entry.get("host_ip") or "0.0.0.0", int(entry["published"]))  # noqa: S104 - Compose's default
            for name, service in self.services.items()
            for entry in service.get("ports") or ()
            if entry.get("published")
        ]

    @property
    def used_volumes(self) -> dict[str, str]:
        """Return the volumes that these services mount."""
        mounted = {entry.get("source") for service in self.services.values() for entry in service.get("volumes") or ()}
        return {key: name for key, name in self.volumes.items() if key in mounted}


def command(*arguments: str, profiles: Sequence[str] = ()) -> list[str]:
    """Return the argument list of a Compose call. Pure."""
    return ["docker", "compose", *(part for name in profiles for part in ("--profile", name)), *arguments]


def variables(profiles: Sequence[str] = ()) -> dict[str, str]:
    """Return Compose's variables besides .env: the owner of these files, and the collector's address, if any."""
    given = {dotenv.OWNER: dotenv.owner()}
    if "observability" in profiles:
        given["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://otel-collector:4318"
    return given


def without_password(project: Path) -> dict[str, str]:
    """Return a placeholder: Compose requires a value to read its file, even if nothing is started with it."""
    return {} if (project / dotenv.FILE).exists() else {dotenv.PASSWORD: "none"}


def resolve(project: Path, profiles: Sequence[str] = ()) -> Stack:
    """Read the configuration. Raises Failed ENV_MISSING, ENV_MALFORMED, COMPOSE_INVALID."""
    dotenv.check_file(project)
    done = process.run(command("config", "--format", "json", profiles=profiles), cwd=project, env=variables(profiles))
    if done.code:
        raise explain(done.err)
    content = json.loads(done.out)
    volumes = {key: str(volume["name"]) for key, volume in (content.get("volumes") or {}).items()}
    stack = Stack(content["name"], content["services"], volumes, program_errors.warnings_of(done.err))
    given = stack.services["db"]["environment"]
    dotenv.check_address_parts({name: str(given[name]) for name in dotenv.ADDRESS_PARTS})
    return stack


def explain(said: str) -> Failed:
    """Return why Compose cannot read its file or .env. Pure."""
    lines = [line.strip() for line in said.strip().splitlines() if line.strip() and "level=warning" not in line]
    last = lines[-1] if lines else "no reason given"
    if found := re.search(r"required variable (\w+) is missing", last):
        return fail("ENV_MISSING", f"{found[1]} has no value", hint=f"add a line `{found[1]}=...` to .env")
    if found := re.search(r"\.env: line (\d+): (.+)", last):
        return fail(
            "ENV_MALFORMED", f"line {found[1]} of .env is invalid", found[2], hint="write NAME=value on each line"
        )
    return fail("COMPOSE_INVALID", "Compose cannot read its configuration", last, hint="run `docker compose config`")


def check_profiles(project: Path, profiles: Sequence[str]) -> None:
    """Check the profiles. Raises Failed UNKNOWN_PROFILE for one that no service has: Compose ignores it silently."""
    if not profiles:
        return
    given = {**variables(), **without_password(project)}
    done = process.run(command("config", "--profiles", profiles=ALL_PROFILES), cwd=project, env=given)
    if done.code:
        raise explain(done.err)
    known = sorted(set(done.out.split()))
    for name in profiles:
        if name not in known:
            close = nearest(name, known)
            raise fail(
                "UNKNOWN_PROFILE",
                f"docker-compose.yml has no profile {name!r}",
                f"it has: {', '.join(known)}",
                hint=f"did you mean --profile {close}?" if close else "choose one of these",
            )


def check_mounts(project: Path, stack: Stack) -> None:
    """Check mounted files. Raises Failed MOUNT_UNREADABLE for one that an image's user may not read (umask 077)."""
    if sys.platform != "linux":
        return  # Docker Desktop shows every file as readable
    sources = {
        Path(entry["source"])
        for name, service in stack.services.items()
        for entry in service.get("volumes") or ()
        if entry.get("type") == "bind" and name not in OWNERS_SERVICES
    }
    for source in sorted(sources):
        if source.is_relative_to(project) and (unreadable := next(_unreadable(source), None)):
            folder = source.relative_to(project).parts[0]
            raise fail(
                "MOUNT_UNREADABLE",
                f"{unreadable.relative_to(project)} is readable only by its owner, but a container must read it",
                hint=f"chmod -R go+rX {folder}",
            )


def _unreadable(source: Path) -> Iterator[Path]:
    for path in (source, *sorted(source.rglob("*"))):
        wanted = stat.S_IROTH | stat.S_IXOTH if path.is_dir() else stat.S_IROTH
        if path.stat().st_mode & wanted != wanted:
            yield path


def containers(client: DockerClient, project: str, service: str = "", *, ended: bool = False) -> list[Any]:
    """Return the running containers of a Compose project, or of one service in it; with `ended`, all of them.

    Those of `docker compose run` are left out: they do not belong to a service.
    """
    labels = [f"{PROJECT_LABEL}={project}", f"{ONE_OFF_LABEL}=False"]
    labels += [f"{SERVICE_LABEL}={service}"] if service else []
    return client.containers.list(all=ended, filters={"label": labels})


def last_words(client: DockerClient, project: str, service: str, lines: int = 12) -> list[str]:
    """Return the last lines of a service's container."""
    found = containers(client, project, service, ended=True)
    return found[0].logs(tail=lines).decode(errors="replace").splitlines() if found else []


def image_id(client: DockerClient, stack: Stack, service: str = "migrate") -> str:
    """Return the id of a service's image; empty if the engine has none."""
    from toolkit.deploy.image import docker_engine

    return docker_engine.image_id(client, str(stack.services[service]["image"])) or ""


def remove_replaced_image(client: DockerClient, before: str, after: str) -> None:
    """Remove the image whose tag a build has taken over, unless a container still uses it."""
    from docker.errors import APIError

    if before and before != after:
        with suppress(APIError):  # in use, or gone already
            client.images.remove(before)
