"""The task `test`: pytest on every core, with coverage of `app`; skipped tests are listed with the reason."""

import os
import sys
from pathlib import Path

from toolkit.dev import subprocesses

# One for each core: every process first imports the application, which takes 6 s of CPU while coverage is measured.
MOST_WORKERS = 4


def run(project: Path, part: str = "", only: str = "") -> None:
    """Run all tests with the coverage gate; or one part (`unit`, `integration`, `e2e`), or those that match `only`."""
    command = [sys.executable, "-m", "pytest", "-q", "-rfEs", "--durations=5", "-n", workers()]
    command += ["-k", only] if only else []
    command += [f"tests/{part}"] if part else []
    if not part and not only:
        command += ["--cov", "--cov-report=term-missing:skip-covered"]
    code = subprocesses.run(command, cwd=project)
    if code:
        raise SystemExit(code)


def workers() -> str:
    """Return the number of workers, as an argument of pytest."""
    return str(min(os.cpu_count() or 1, MOST_WORKERS))
