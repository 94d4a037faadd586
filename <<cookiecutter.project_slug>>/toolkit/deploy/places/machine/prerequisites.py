"""Requirements of a deploy to machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, Plan, fail
from toolkit.deploy.places.machine.host import FOLDER

if TYPE_CHECKING:
    from toolkit.deploy.places.machine.host import Machine
    from toolkit.deploy.places.values import Variables

# A release writes little besides its image; below this, the engine and the proxy fail in odd ways.
FREE_MEGABYTES = 50
REMEDY = "`docker system df` shows its use, `docker image prune --all` removes old images"
# Prints a line for each lack.
LOOK = """
for program in bash flock docker; do command -v $program >/dev/null || echo "no $program"; done
if [ -d {folder} ]; then [ -w {folder} ] || echo "{folder} is not writable for $(id -un)"
elif [ ! -w {parent} ]; then echo "{parent} does not exist, or is not writable for $(id -un)"; fi
"""

SPACE = "df -Pm /var/lib/docker {parent} {folder} 2>/dev/null | awk 'NR > 1 {{print $4, $6}}'"


@dataclass(frozen=True)
class MachinePrerequisites:
    """`lacking`, `full`: a line for each fault of a host."""

    name: str
    environment: str
    lacking: tuple[str, ...]
    variables: Variables
    full: tuple[str, ...] = ()
    denied: bool = False
    refused: Failed | None = None

    def plan(self) -> Plan:
        """Raises Failed HOST_NOT_READY, DISK_FULL."""
        if self.lacking:
            hint = f"`python3 tasks.py provision {self.environment}` prints what prepares the host"
            raise fail("HOST_NOT_READY", "a host is not prepared for deploys", *self.lacking, hint=hint)
        if self.full:
            hint = f"free some space there: {REMEDY}"
            raise fail("DISK_FULL", "a host has no space for a release", *self.full, hint=hint)
        return Plan(note=self.name)


def lacks(machine: Machine) -> list[str]:
    """Return what the host lacks. Raises Failed ENGINE_DENIED, ENGINE_ERROR."""
    machine.engine.version()
    done = machine.connection.run(LOOK.format(folder=machine.folder, parent=FOLDER))
    return [f"{machine.name}: {line}" for line in done.out.splitlines() if line.strip()]


def free_space(machine: Machine) -> dict[str, int]:
    """Return the free megabytes by mount point, of the engine's files and the project's."""
    done = machine.connection.run(SPACE.format(folder=machine.folder, parent=FOLDER))
    rows = [line.split(maxsplit=1) for line in done.out.splitlines()]
    return {mount: int(free) for free, mount in rows if free.isdecimal()}


def full(machine: Machine) -> list[str]:
    """Return a line for each file system that is too full for a release."""
    found = free_space(machine)
    return [f"{machine.name}: {free} MB free in {mount}" for mount, free in found.items() if free < FREE_MEGABYTES]
