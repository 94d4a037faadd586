"""Previews on a machine: a project with a database, and a file that marks it, so that nothing else is ever deleted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from toolkit.deploy.inventory.preview import PLACEHOLDER
from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.machine import removal
from toolkit.deploy.places.machine.host import FOLDER

if TYPE_CHECKING:
    from toolkit.deploy.places.machine.place import MachinePlace

MARKER = "preview.json"
REST = ("backups", "database", MARKER)  # what a removal of the service keeps


class MachinePreviews:
    """`name`: the preview's; the place's project is its own."""

    def __init__(self, place: MachinePlace, name: str) -> None:
        self.place, self.name = place, name

    def prepare(self, until: datetime, given: Mapping[str, str]) -> str:
        """Mark the project. Its database is created by the deploy, which also has the secrets. Raises NOT_A_PREVIEW."""
        machine, at = self.place.first, until.astimezone(UTC).isoformat(timespec="seconds")
        self._require_preview()
        machine.write(MARKER, json.dumps({"service": self.place.service, "name": self.name, "expires": at}) + "\n")
        return f"project {machine.project} on {machine.name}, with its own database, until {at}"

    def address(self) -> str:
        env = self.place.environment
        host = env.preview.host.replace(PLACEHOLDER, self.name) if env.preview.host else env.hosts[0].name
        return f"http://{host}:{env.proxy.http_port}"

    def remove(self) -> bool:
        """Raises Failed NOT_A_PREVIEW, LOCKED."""
        if not self._require_preview():
            return False
        place = self.place
        with place.lock(""):
            removal.apply(place, removal.plan(place, database=True))
            place.first.clear(REST)
        place.first.clear(())  # the folder, once nothing holds its lock
        return True

    def all(self) -> Sequence[tuple[str, datetime]]:
        said = self.place.first.connection.run(f"cat {FOLDER}/*/{MARKER} 2>/dev/null").out
        return parsed(said, self.place.service)

    def _require_preview(self) -> bool:
        """Return False if the host has nothing of the project."""
        machine = self.place.first
        marked = [name for name, _ in parsed(machine.read(MARKER) or "", self.place.service)]
        if self.name in marked:
            return True
        if machine.listed("") or machine.state().instances:
            hint = "choose another name for the preview"
            message = f"project {machine.project} on {machine.name} is not a preview of {self.place.service}"
            raise fail("NOT_A_PREVIEW", message, hint=hint)
        return False


def parsed(lines: str, service: str) -> list[tuple[str, datetime]]:
    """Return the previews of a service in these markers, with their ends. Pure."""
    found = []
    for line in lines.splitlines():
        try:
            marker: dict[str, Any] = json.loads(line)
            if marker["service"] == service:
                found.append((str(marker["name"]), datetime.fromisoformat(marker["expires"])))
        except (KeyError, ValueError, TypeError):
            continue
    return found
