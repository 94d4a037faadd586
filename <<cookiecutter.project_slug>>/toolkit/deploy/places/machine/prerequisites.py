"""Requirements of a deploy to machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.deploy.outcomes import Failed, Plan, fail
from toolkit.deploy.places.machine.host import FOLDER

if TYPE_CHECKING:
    from toolkit.deploy.places.machine.host import Machine
    from toolkit.deploy.places.values import Variables

# Prints a line for each lack.
LOOK = """
for program in bash flock; do command -v $program >/dev/null || echo "no $program"; done
if [ -d {folder} ]; then [ -w {folder} ] || echo "{folder} is not writable for $(id -un)"
elif [ ! -w {parent} ]; then echo "{parent} does not exist, or is not writable for $(id -un)"; fi
"""


@dataclass(frozen=True)
class MachinePrerequisites:
    """`lacking`: by host."""

    name: str
    environment: str
    lacking: tuple[str, ...]
    variables: Variables
    denied: bool = False
    refused: Failed | None = None

    def plan(self) -> Plan:
        """Raises Failed HOST_NOT_READY."""
        if self.lacking:
            hint = f"`python3 tasks.py provision {self.environment}` prints what prepares the host"
            raise fail("HOST_NOT_READY", "a host is not prepared for deploys", *self.lacking, hint=hint)
        return Plan(note=self.name)


def lacks(machine: Machine) -> list[str]:
    """Return what the host lacks. Raises Failed ENGINE_DENIED, ENGINE_ERROR."""
    machine.engine.version()
    done = machine.connection.run(LOOK.format(folder=machine.folder, parent=FOLDER))
    return [f"{machine.name}: {line}" for line in done.out.splitlines() if line.strip()]
