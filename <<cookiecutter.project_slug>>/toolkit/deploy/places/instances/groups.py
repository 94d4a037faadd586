"""The container groups of a resource group: reads and writes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from toolkit.deploy.inventory.instances_keys import GROUP
from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.instances import render, state

if TYPE_CHECKING:
    from toolkit.deploy.inventory.instances import InstancesEnvironment
    from toolkit.deploy.places.azure.client import Client, Object

SHOWN = 20


class ContainerGroups:
    """Members raise Failed AZURE_*."""

    def __init__(self, client: Client, env: InstancesEnvironment) -> None:
        self.client, self.env, self.name = client, env, env.container_group
        self._base = render.group_path(env)

    def get(self, name: str = "") -> state.Group | None:
        """Return a group; by default that of the service."""
        found = self.client.get(f"{self._base}/{name or self.name}", f"container group {name or self.name}")
        return state.group(found) if found else None

    def listed(self) -> list[str]:
        """Return the names of the groups that deploys of this service have made."""
        found = self.client.items(self._base, "container groups")
        return sorted(
            str(item["name"]) for item in found if (item.get("tags") or {}).get(render.SERVICE_TAG) == self.name
        )

    def put(self, name: str, body: Object) -> None:
        self.client.write("PUT", f"{self._base}/{name}", f"container group {name}", body, GROUP)

    def delete(self, name: str) -> None:
        self.client.delete(f"{self._base}/{name}", f"container group {name}")

    def restart(self) -> None:
        self.client.act(f"{self._base}/{self.name}/restart", f"container group {self.name}")

    def lines(self, name: str = "", lines: int = SHOWN) -> list[str]:
        """Return the last lines of a group's container."""
        path = f"{self._base}/{name or self.name}/containers/{render.CONTAINER}/logs"
        found = self.client.get(path, f"the log of {name or self.name}", tail=str(lines))
        return str((found or {}).get("content") or "").splitlines()

    def as_evidence(self, name: str = "") -> tuple[str, ...]:
        """Return the last lines for a failure page; none where this user may not read them."""
        with suppress(Failed):
            return tuple(f"| {line}" for line in self.lines(name))
        return ()
