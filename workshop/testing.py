"""The task `test`: everything in `tests/`, on every core; what this machine can't run is listed with the reason."""

import os
import sys
from pathlib import Path

from dev import process

MOST_WORKERS = 4


def run(root: Path, *, drills: bool, only: str) -> None:
    command = [sys.executable, "-m", "pytest", "tests", "-q", "-rs", "--durations=15"]
    command += ["-n", str(min(os.cpu_count() or 1, MOST_WORKERS)), "--dist", "loadgroup"]
    command += ["--drills"] if drills else []
    command += ["-k", only] if only else []
    if code := process.run(command, cwd=root):
        raise SystemExit(code)
