"""The task `test`: everything in `tests/`; what this machine can't run is listed with the reason.

Three times, with a summary each: first what can share the machine, with a worker more than it has cores, because
services and containers are waited for; then the deploys, which wait for the cluster, a file beside another; then one
after another what serves under load, which a neighbour would make fail, or uses every core itself.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from dev import process
from dev.testing import workers

DEPLOYERS = 3  # on two cores they keep both busy; the drills, some of which serve under load, get more room
DEPLOYERS_WITH_DRILLS = 2
NO_TESTS = 5  # pytest's exit code when nothing was selected


def run(root: Path, *, drills: bool, only: str) -> None:
    """Raises SystemExit with pytest's exit code when a test of either run has failed."""
    deployers = str(DEPLOYERS_WITH_DRILLS if drills else DEPLOYERS)
    options = [*(["--drills"] if drills else []), *(["-k", only] if only else [])]
    codes = [
        _pytest(root, ["-m", "not alone and not deploys", "-n", workers(), *options]),
        _pytest(root, ["-m", "deploys and not alone", "-n", deployers, *options]),
        _pytest(root, ["-m", "alone", *options]),
    ]
    if failed := [code for code in codes if code not in (0, NO_TESTS)]:
        raise SystemExit(failed[0])


def _pytest(root: Path, options: Sequence[str]) -> int:
    command = [sys.executable, "-m", "pytest", "tests", "-q", "-rfEs", "--durations=15", *options]
    return process.run(command, cwd=root)
