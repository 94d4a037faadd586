"""The Docker engine: its client and plugins, and its images."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from toolkit.deploy import process
from toolkit.deploy.image import docker_endpoint
from toolkit.deploy.image.registry import host_of, refused
from toolkit.deploy.outcomes import fail

if TYPE_CHECKING:
    from docker import DockerClient

PLUGINS = {
    "buildx": "docker-buildx (Debian: docker-buildx; elsewhere it comes with Docker Desktop or docker-ce)",
    "compose": "docker-compose-plugin, version 2 (Debian: docker-compose; it comes with Docker Desktop)",
}


@cache
def connect(seconds: int = 60) -> DockerClient:
    """Return the process's client of the engine that the `docker` command uses.

    Raises Failed NO_ENGINE, NO_CONTEXT, ENGINE_UNSUPPORTED.
    """
    import docker
    from docker.errors import DockerException

    # from_env reads the same settings, but uses the default socket for a context it cannot find
    docker_endpoint.resolve()
    try:
        client = docker.from_env(timeout=seconds)
        client.ping()
    except DockerException as error:
        raise _no_engine(error) from None
    return client


def connect_here(task: str) -> DockerClient:
    """Connect to an engine on this machine. Raises Failed ENGINE_REMOTE, and whatever `connect` raises."""
    docker_endpoint.require_local(docker_endpoint.resolve(), task)
    return connect()


def _no_engine(error: Exception) -> Exception:
    seen = str(error)
    if "Permission" in seen:
        hint = "add yourself to the group `docker` (and log in again), or run a rootless engine"
    elif "No such file" in seen or "refused" in seen:
        hint = "start it: Docker Desktop, or `systemctl start docker`; `docker version` shows when it answers"
    else:
        hint = "check its address: `docker version` and `docker context ls` show the client's settings"
    address = str(docker_endpoint.resolve())
    return fail("NO_ENGINE", f"no Docker engine answers at {address}", seen.splitlines()[0][:200], hint=hint)


def require(*plugins: str) -> None:
    """Check the tools. Raises Failed when the `docker` command or one of its plugins is missing."""
    for plugin in plugins:
        done = process.run(["docker", plugin, "version"], seconds=30)
        if done.code:
            raise fail(
                f"NO_{plugin.upper()}",
                f"`docker {plugin}` is not installed",
                done.cause,
                hint=f"install {PLUGINS[plugin]}",
            )


def platform(client: DockerClient) -> str:
    """Return the engine's platform, as Docker writes it: linux/amd64."""
    version: dict[str, Any] = client.version()
    return f"{version['Os']}/{version['Arch']}"


def has_containerd_store(client: DockerClient) -> bool:
    """Return True if images are in containerd, which stores several platforms and attestations under one name."""
    status: list[list[str]] = client.info().get("DriverStatus") or []
    return ["driver-type", "io.containerd.snapshotter.v1"] in status


def image_id(client: DockerClient, name: str) -> str | None:
    """Return the id of an image that the engine holds."""
    from docker.errors import ImageNotFound

    try:
        return str(client.images.get(name).id)
    except ImageNotFound:
        return None


def registry_digest(client: DockerClient, name: str) -> str | None:
    """Return the current digest of a tag in its registry. Raises Failed IMG_DENIED, REGISTRY_UNREACHABLE."""
    from docker.errors import APIError, NotFound

    try:
        return str(client.images.get_registry_data(name).id)
    except NotFound:
        return None
    except APIError as error:
        fault = refused(name, str(error.explanation or error))
        if fault.failure.code == "IMG_NOT_FOUND" or _hub_says_maybe(name, fault.failure.code):
            return None
        raise fault from None


def base_digest(client: DockerClient, name: str) -> str:
    """Return the image of `FROM name`: the engine's own, by its digest in the registry if it has one."""
    from docker.errors import ImageNotFound

    try:
        image = client.images.get(name)
    except ImageNotFound:
        found = registry_digest(client, name)
        if found is None:
            raise fail(
                "BASE_NOT_FOUND", f"base image {name} not found", hint="correct the ARG at the top of the Dockerfile"
            ) from None
        return found
    digests: list[str] = image.attrs.get("RepoDigests") or []
    return digests[0].rpartition("@")[2] if digests else str(image.id)


def _hub_says_maybe(name: str, code: str) -> bool:
    """Return True for Docker Hub's `denied` for a missing repository; the push itself shows the permission."""
    return code == "IMG_DENIED" and host_of(name) == "docker.io"
