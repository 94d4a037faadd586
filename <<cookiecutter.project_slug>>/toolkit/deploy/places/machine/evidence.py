"""Evidence of a failure, stored on disk before any rollback: the containers' logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from toolkit.deploy.places.machine.host import Machine

LINES, SHOWN = 1000, 20


def save(folder: Path, machine: Machine, name: str) -> tuple[str, ...]:
    """Write a container's log, and return its last lines."""
    lines = machine.engine.logs(name, LINES) if machine.engine.inspect(name) else []
    (folder / f"{machine.name}-{name}.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tuple(f"| {line}" for line in lines[-SHOWN:])
