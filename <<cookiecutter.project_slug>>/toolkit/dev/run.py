"""The task `run`: a module of the service, on the database that `dev` uses."""

import os
import sys
from pathlib import Path

from toolkit.dev import subprocesses
from toolkit.dev.postgres import choice


def run(project: Path, module: str, *arguments: str) -> int:
    """Run `python -m MODULE ARGUMENTS` in the foreground and return its exit code."""
    with choice.chosen(project) as variables:
        command = [sys.executable, "-m", module, *arguments]
        return subprocesses.run(command, cwd=project, env={**os.environ, **variables})
