"""Child processes that never outlive their parent, and signals that end a command cleanly."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from toolkit.exit_codes import SIGNALLED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import FrameType

PR_SET_PDEATHSIG = 1  # prctl(2)
# Loaded before any fork: between fork and exec nothing may be imported or allocated at will.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
INTERRUPTED = SIGNALLED + signal.SIGINT
SECONDS_TO_END = 10
# A start ends with its event or with the process's death; this is for one that hangs, on a machine however slow.
START_SECONDS = 300


def exit_on_signals() -> None:
    """Let Ctrl-C, SIGTERM and a closed terminal unwind the stack and exit with 128 + signal.

    Python ends at once on SIGTERM and SIGHUP without running `finally`, and invoke turns Ctrl-C into exit code 1.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _raise_exit)


def _raise_exit(number: int, _frame: FrameType | None) -> None:
    # A second signal must not interrupt the clean-up.
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise SystemExit(SIGNALLED + number)


def die_with_parent(number: int = signal.SIGTERM) -> None:
    """Make the kernel send this signal when the parent dies, even by SIGKILL (Linux only; for `preexec_fn`)."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, number)


def run(command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> int:
    """Run in the foreground and return the exit code. The child receives Ctrl-C too, and is allowed to finish first."""
    child = subprocess.Popen(command, cwd=cwd, env=env, preexec_fn=die_with_parent)
    try:
        return child.wait()
    except SystemExit as ending:
        if ending.code == INTERRUPTED:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(SECONDS_TO_END)
        raise
    finally:
        stop(child)


def stop(child: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """End a child that is still running: SIGTERM, and SIGKILL if it does not stop."""
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def started(child: subprocess.Popen[bytes], ready: Callable[[], bool], what: str) -> str:
    """Wait until `ready()`; return an empty string, or one sentence with the reason why `what` did not start."""
    end = time.monotonic() + START_SECONDS
    while child.poll() is None:
        if ready():
            return ""
        if time.monotonic() > end:
            return f"{what} was not ready after {START_SECONDS} s."
        time.sleep(0.02)
    return f"{what} ended with exit code {child.returncode} before it was ready."
