"""Evidence of a failure, stored on disk before any rollback: the containers' logs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolkit.deploy.places.machine.host import Machine

LINES, SHOWN = 1000, 20


def folder(project: Path, environment: str) -> Path:
    """Make the folder of a deploy, below `.dev/` of the checkout."""
    made = project / ".dev" / "deploy" / f"{environment}-{time.strftime('%Y%m%d-%H%M%S')}"
    made.mkdir(parents=True, exist_ok=True)
    return made


def save(folder: Path, machine: Machine, name: str) -> tuple[str, ...]:
    """Write a container's log, and return its last lines."""
    lines = machine.engine.logs(name, LINES) if machine.engine.inspect(name) else []
    (folder / f"{machine.name}-{name}.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tuple(f"| {line}" for line in lines[-SHOWN:])
