"""Child processes of a test: one that is under way, and one at a terminal."""

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def under_way(command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Start a command in a process group of its own; it is killed at the end if it still runs."""
    child = subprocess.Popen(
        command,
        cwd=cwd,
        env={**env, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if child.stdout:
            child.stdout.close()


def at_a_terminal(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], line: bytes, seconds: float
) -> tuple[bytes, int]:
    """Run a shell at a terminal and type one line at its prompt. Returns the output and the exit code."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execve(command[0], list(command), env)  # noqa: S606 - a child with a terminal
    out, typed, deadline = b"", False, time.monotonic() + seconds
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 1)[0]:
            try:
                part = os.read(terminal, 4096)
            except OSError:  # the end of a terminal
                break
            out += part
        if not typed and out.rstrip().endswith(b"$"):
            os.write(terminal, line)
            typed = True
    return out, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
