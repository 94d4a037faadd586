"""Ports of this machine that a stack publishes: free, or in use and by which program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.deploy.compose.config import SERVICE_LABEL, Stack, containers
from toolkit.deploy.compose.owner import FOLDER_LABEL
from toolkit.deploy.outcomes import fail
from toolkit.dev import ports

if TYPE_CHECKING:
    from docker import DockerClient


def check(stack: Stack, client: DockerClient) -> None:
    """Check the ports. Raises Failed PORT_TAKEN for one in use: Compose notices only when half of the stack runs."""
    ours = {container.labels.get(SERVICE_LABEL) for container in containers(client, stack.name)}
    for port in stack.ports:
        if port.service not in ours and not ports.is_free(port.host, port.number):
            another = ports.next_free(port.host, port.number + 1)
            raise fail(
                "PORT_TAKEN",
                f"port {port.number} of {port.host}, for {port.service}, is in use by {holder(client, port.number)}",
                hint=f"stop it, or choose another port: echo {port.variable}={another} >> .env",
            )


def holder(client: DockerClient, number: int) -> str:
    """Return the container that publishes a port, with its folder, or `another program`."""
    for container in client.containers.list():
        published = (container.attrs.get("NetworkSettings", {}).get("Ports") or {}).values()
        if any(entry.get("HostPort") == str(number) for entries in published for entry in entries or ()):
            folder = container.labels.get(FOLDER_LABEL)
            return f"container {container.name}" + (f" of {folder}" if folder else "")
    return "another program"
