"""A host's Docker engine, by its own API through the SSH connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolkit.deploy.places.machine.failures import engine_failure
from toolkit.deploy.places.machine.ssh import lost

if TYPE_CHECKING:
    from docker import APIClient

    from toolkit.deploy.places.machine.ssh import Connection

PROJECT, ROLE, COLOUR, SLOT, HASH, DIGEST, SPEC, PROCESS = (
    f"deploy.{name}" for name in ("project", "role", "colour", "slot", "hash", "digest", "spec", "process")
)
API_SECONDS = 60
PULL_SECONDS = 900


@dataclass(frozen=True)
class Instance:
    """A container of the project, as the engine reports it. `addresses`: by network."""

    id: str
    name: str
    labels: Mapping[str, str]
    status: str  # created, running, restarting, exited, dead, paused
    exit_code: int = 0
    out_of_memory: bool = False
    restarts: int = 0
    error: str = ""
    started_at: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict)
    policy: str = ""  # the restart policy: `no` until it serves, and again from the moment it must end

    @property
    def role(self) -> str:
        return self.labels.get(ROLE, "")

    @property
    def process(self) -> str:
        return self.labels.get(PROCESS, "")

    @property
    def colour(self) -> str:
        return self.labels.get(COLOUR, "")

    @property
    def hash(self) -> str:
        return self.labels.get(HASH, "")

    @property
    def digest(self) -> str:
        return self.labels.get(DIGEST, "")

    @property
    def running(self) -> bool:
        return self.status == "running"


def parsed(found: Mapping[str, Any]) -> Instance:
    """Return an Instance for the engine's answer to `inspect`. Pure."""
    state, networks = found.get("State", {}), found.get("NetworkSettings", {}).get("Networks") or {}
    return Instance(
        id=found["Id"],
        name=found["Name"].lstrip("/"),
        labels=found.get("Config", {}).get("Labels") or {},
        status=state.get("Status", "?"),
        exit_code=int(state.get("ExitCode") or 0),
        out_of_memory=bool(state.get("OOMKilled")),
        restarts=int(found.get("RestartCount") or 0),
        error=str(state.get("Error") or ""),
        started_at=str(state.get("StartedAt") or ""),
        policy=str((found.get("HostConfig", {}).get("RestartPolicy") or {}).get("Name") or ""),
        addresses={name: str(entry.get("IPAddress") or "") for name, entry in networks.items()},
    )


class Engine:
    """`allow`: called before each change; it raises where none is allowed."""

    def __init__(self, connection: Connection, allow: Callable[[], None]) -> None:
        self.connection, self._allow = connection, allow
        self._client: APIClient | None = None

    @contextmanager
    def _asking(self, *, change: bool = False, seconds: int = API_SECONDS) -> Iterator[APIClient]:
        """Raises Failed for every exception of the client."""
        import requests
        from docker import APIClient
        from docker.errors import APIError, DockerException

        if change:
            self._allow()
        try:
            if self._client is None:
                self._client = APIClient(f"unix://{self.connection.docker_socket}", version="auto", timeout=API_SECONDS)
            self._client.timeout = seconds
            yield self._client
        except APIError as error:
            raise engine_failure(self.connection.host.name, str(error.explanation or error)) from None
        except (DockerException, requests.RequestException, OSError) as error:
            if not self.connection.open:
                raise lost(self.connection.host, self.connection.said) from None
            raise engine_failure(self.connection.host.name, str(error)) from None

    def version(self) -> tuple[str, str]:
        """Return the engine's version and platform (linux/amd64)."""
        with self._asking() as api:
            found: dict[str, Any] = api.version()
        return str(found["Version"]), f"{found['Os']}/{found['Arch']}"

    def instances(self, project: str) -> list[Instance]:
        """Return every container of the project, by name."""
        from docker.errors import NotFound

        found = []
        with self._asking() as api:
            for item in api.containers(all=True, filters={"label": f"{PROJECT}={project}"}):
                with suppress(NotFound):  # removed since
                    found.append(parsed(api.inspect_container(item["Id"])))
        return sorted(found, key=lambda instance: instance.name)

    def publishers(self, port: int) -> list[str]:
        """Return the containers that have taken a port of the host: not every engine listens on it itself."""
        with self._asking() as api:
            return [str(item["Names"][0]).lstrip("/") for item in api.containers(filters={"publish": str(port)})]

    def inspect(self, name: str) -> Instance | None:
        from docker.errors import NotFound

        with self._asking() as api:
            try:
                return parsed(api.inspect_container(name))
            except NotFound:
                return None

    def logs(self, name: str, lines: int) -> list[str]:
        with self._asking() as api:
            said: bytes = api.logs(name, stdout=True, stderr=True, tail=lines)
        return said.decode(errors="replace").splitlines()

    def networks(self, project: str) -> set[str]:
        with self._asking() as api:
            return {str(item["Name"]) for item in api.networks(filters={"label": f"{PROJECT}={project}"})}

    def has_image(self, reference: str) -> bool:
        from docker.errors import ImageNotFound

        with self._asking() as api:
            try:
                api.inspect_image(reference)
            except ImageNotFound:
                return False
        return True

    def pull(self, repository: str, tag: str) -> None:
        """Pull a tag or digest with this machine's credentials. Raises Failed IMG_NOT_FOUND, IMG_DENIED, DISK_FULL."""
        with self._asking(change=True, seconds=PULL_SECONDS) as api:
            for line in api.pull(repository, tag=tag, stream=True, decode=True):
                if line.get("error"):
                    raise engine_failure(self.connection.host.name, str(line["error"]), repository)

    def volume(self, name: str) -> Mapping[str, str] | None:
        """Return a volume's labels; None without it."""
        from docker.errors import NotFound

        with self._asking() as api:
            try:
                found: dict[str, Any] = api.inspect_volume(name)
            except NotFound:
                return None
        return found.get("Labels") or {}

    def create_volume(self, name: str, labels: Mapping[str, str]) -> None:
        with self._asking(change=True) as api:
            api.create_volume(name, labels=dict(labels))

    def create_network(self, name: str, project: str) -> None:
        with self._asking(change=True) as api:
            api.create_network(name, driver="bridge", check_duplicate=True, labels={PROJECT: project})

    def create(self, arguments: Mapping[str, Any]) -> str:
        """Create a container from the client's own arguments; `host` has those of its host configuration."""
        given = dict(arguments)
        with self._asking(change=True) as api:
            host = api.create_host_config(**given.pop("host"))
            networks = {
                name: api.create_endpoint_config(aliases=aliases) for name, aliases in given.pop("networks").items()
            }
            networking = api.create_networking_config(networks)
            made: dict[str, str] = api.create_container(**given, host_config=host, networking_config=networking)
        return made["Id"]

    def start(self, name: str) -> None:
        with self._asking(change=True) as api:
            api.start(name)

    def run(self, name: str) -> Iterator[bytes]:
        """Start a container, and yield its output to its end."""
        with self._asking(change=True) as api:
            output = api.attach(name, stdout=True, stderr=True, stream=True)
            api.start(name)
            yield from output

    def wait(self, name: str) -> None:
        """Wait for the end of a container whose output has ended."""
        with self._asking() as api:
            api.wait(name)

    def execute(self, name: str, command: Sequence[str]) -> tuple[int, str, str]:
        """Run a command in a running container. Returns its exit code, output and errors."""
        with self._asking(change=True) as api:
            made = api.exec_create(name, list(command))
            out, err = api.exec_start(made["Id"], demux=True)
            code = int(api.exec_inspect(made["Id"])["ExitCode"])
        return code, (out or b"").decode(errors="replace"), (err or b"").decode(errors="replace")

    def signal(self, name: str, number: str) -> None:
        """Send a signal; a container that has ended is fine."""
        from docker.errors import APIError

        with self._asking(change=True) as api:
            try:
                api.kill(name, number)
            except APIError as error:
                if error.status_code not in (404, 409):
                    raise

    def remove(self, name: str) -> None:
        from docker.errors import NotFound

        with self._asking(change=True) as api, suppress(NotFound):
            api.remove_container(name, force=True, v=True)

    def remove_network(self, name: str) -> None:
        from docker.errors import NotFound

        with self._asking(change=True) as api, suppress(NotFound):
            api.remove_network(name)

    def remove_volume(self, name: str) -> None:
        from docker.errors import NotFound

        with self._asking(change=True) as api, suppress(NotFound):
            api.remove_volume(name)

    def restart_policy(self, name: str, policy: str) -> None:
        with self._asking(change=True) as api:
            api.update_container(name, restart_policy={"Name": policy})

    def connect(self, name: str, network: str, aliases: Sequence[str]) -> None:
        with self._asking(change=True) as api:
            api.connect_container_to_network(name, network, aliases=list(aliases))

    def disconnect(self, name: str, network: str) -> None:
        from docker.errors import NotFound

        with self._asking(change=True) as api, suppress(NotFound):
            api.disconnect_container_from_network(name, network, force=True)
