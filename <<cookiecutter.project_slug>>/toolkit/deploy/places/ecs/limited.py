"""Runs a command with a time limit. A scheduled task runs this text with the image's Python: no other imports.

ECS ends no task of its own accord. SIGTERM is passed on; exit code 124 after the limit, as of timeout(1).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def command(limit: int, given: Sequence[str]) -> list[str]:
    """Return the command of a container."""
    return ["python", "-c", Path(__file__).read_text(encoding="utf-8"), str(limit), *given]


def main(limit: float, given: Sequence[str]) -> int:
    child = subprocess.Popen(given, start_new_session=True)  # noqa: S603 - the command of the inventory, never a shell
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    try:
        code = child.wait(limit)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        print(f"not ended within {limit:.0f} s", file=sys.stderr)
        return 124
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
