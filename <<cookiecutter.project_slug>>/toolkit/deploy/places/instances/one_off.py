"""Groups that run once: the migration, and commands. Each is deleted at its end, with its log."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.azure.ended import Ended, failure
from toolkit.deploy.places.instances import render, state

if TYPE_CHECKING:
    from toolkit.deploy.places.instances.place import InstancesPlace
    from toolkit.deploy.records import Kept

POLL_SECONDS = 1.0
MIGRATE = ("/bin/sh", "/service/entrypoint.sh", "migrate")


@dataclass(frozen=True)
class Migration:
    """A started migration."""

    place: InstancesPlace
    name: str

    def wait(self) -> None:
        """Wait for its success. Raises Failed with the reason and its last lines."""
        groups = self.place.connection.groups
        ended = follow(self.place, self.name, "migrate", self.place.environment.migration_seconds)
        lines = () if ended.succeeded else groups.as_evidence(self.name)
        groups.delete(self.name)
        if not ended.succeeded:
            raise failure(ended, "container group", lines)


def start_migration(place: InstancesPlace, kept: Kept, secrets: Mapping[str, str]) -> Migration:
    """Start it, or adopt the one that a killed deployer has started from the same image."""
    groups, name = place.connection.groups, render.one_off_name(place.environment, "migrate")
    live, body = groups.get(name), render.one_off(kept, place.environment, MIGRATE, secrets)
    image = body["properties"]["containers"][0]["properties"]["image"]
    if live and (live.container == state.TERMINATED or live.image != image):
        groups.delete(name)
        live = None
    if live is None:
        groups.put(name, body)
    return Migration(place, name)


def follow(place: InstancesPlace, name: str, step: str, limit: float) -> Ended:
    """Wait until a group has ended. `step`: of the report; empty for a command, whose output is its own."""
    began = time.monotonic()
    while True:
        place.require_lock()
        found, waited = place.connection.groups.get(name), time.monotonic() - began
        if found is None:
            raise fail("RUN_LOST", f"container group {name} was deleted while it was running", hint="run it again")
        if found.container == state.TERMINATED:
            return Ended(name, found.exit_code == 0, found.exit_code, found.messages)
        if found.provisioning == "Failed":
            return Ended(name, False, None, found.messages)
        if waited > limit:
            return Ended(name, False, None, found.messages, late=True)
        if step:
            place.report.progress(step, f"container group {name}, {waited:.0f} s")
        time.sleep(POLL_SECONDS)
