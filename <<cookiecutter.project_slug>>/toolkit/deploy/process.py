"""Run external programs without a shell, in their own session, and end them when we end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from toolkit.deploy import program_errors
from toolkit.deploy.outcomes import Failed, fail
from toolkit.dev.subprocesses import SECONDS_TO_END, die_with_parent

# Variables with which a separate Python finds its libraries; none of them is a setting of the service.
INHERITED = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def cause(self) -> str:
        """The line of its errors that states the cause; else its exit code."""
        return program_errors.cause_line(self.err) or f"exit code {self.code}"


class Begun:
    """A started program that waits for its input, while it imports its modules."""

    def __init__(self, command: Sequence[str], cwd: Path | None, env: Mapping[str, str], stdin: int) -> None:
        self.command = command
        self._child = _start(command, cwd, env, stdin=stdin, stderr=subprocess.PIPE)

    def finish(self, text: str | None = None, seconds: float = 600) -> Done:
        """Send the input and wait for the end. Raises Failed TOOL_TIMEOUT."""
        try:
            out, err = self._child.communicate(text, timeout=seconds)
        except subprocess.TimeoutExpired:
            called = " ".join(self.command[:3])
            raise fail("TOOL_TIMEOUT", f"{called} did not end within {seconds:.0f} s", hint="run it manually") from None
        finally:
            self.end()
        return Done(self._child.returncode, out, err)

    def end(self) -> None:
        _end(self._child)


def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    seconds: float = 600,
    text: str | None = None,
) -> Done:
    """Run to the end, with `text` as its input, and return the output. Raises Failed TOOL_MISSING, TOOL_TIMEOUT.

    Ctrl-C reaches only the play (the program has its own session), and a killed deployer's children end with it.
    """
    stdin = subprocess.DEVNULL if text is None else subprocess.PIPE
    return Begun(command, cwd, {**os.environ, **(env or {})}, stdin).finish(text, seconds)


def begin(command: Sequence[str], cwd: Path, inherit: Sequence[str]) -> Begun:
    """Start a program that will receive input, with only the variables `inherit` of this environment."""
    return Begun(command, cwd, {name: os.environ[name] for name in inherit if name in os.environ}, subprocess.PIPE)


def follow(
    command: Sequence[str],
    hear: Callable[[str], None],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> int:
    """Run, and report each line of output and errors at once; return the exit code. Raises Failed TOOL_MISSING."""
    child = _start(command, cwd, {**os.environ, **(env or {})}, stderr=subprocess.STDOUT)
    assert child.stdout is not None  # noqa: S101 - for the type checker
    try:
        with child.stdout:
            for line in child.stdout:
                hear(line.rstrip())
        return child.wait()
    finally:
        _end(child)


@contextmanager
def beside(command: Sequence[str]) -> Iterator[None]:
    """Run a program silently during the block. Its result is ignored, and so is a missing program."""
    with ExitStack() as stack:
        with suppress(Failed):
            stack.callback(
                _end, _start(command, None, os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
        yield


def _start(
    command: Sequence[str],
    cwd: Path | None,
    env: Mapping[str, str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    stderr: int,
) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(  # noqa: S603 - fixed argument lists, never a shell
            command,
            cwd=cwd,
            env=env,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(signal.SIGKILL),
        )
    except FileNotFoundError:
        raise fail(
            "TOOL_MISSING", f"{command[0]} is not installed", hint=f"install {command[0]} and check that it is on PATH"
        ) from None


def _end(child: subprocess.Popen[str]) -> None:
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
