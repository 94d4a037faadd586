"""The service's own commands, `python -m app COMMAND`: see the contract in toolkit/README.md."""

from __future__ import annotations

import sys
from pathlib import Path

from toolkit.dev import subprocesses


def run(project: Path, command: str, *arguments: str) -> int:
    """Run a command with this terminal's input and output; return its exit code."""
    return subprocesses.run([sys.executable, "-m", "app", command, *arguments], cwd=project)
