"""A service's task `dev` as a person has it in a terminal."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

PATIENCE = 300  # seconds, on a machine that has other work


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """Wait for the condition and return its result."""
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {PATIENCE} s for {what}"
        time.sleep(0.05)
    return value


class Dev:
    """`python3 tasks.py dev`, in a process group of its own as in a terminal, its output in a file."""

    def __init__(self, service: Path, arguments: Sequence[str], environment: dict[str, str]) -> None:
        self.service = service
        self.environment = environment
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = service.parent / f"dev-{self.port}.log"
        command = [sys.executable, "tasks.py", "dev", "--port", str(self.port), *arguments]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=service, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def ready(self) -> "Dev":
        """Wait until it says its addresses."""
        self.says("/docs")
        return self

    def says(self, words: str) -> str:
        def found() -> str:
            assert self.process.poll() is None or words in self.log.read_text(), self.log.read_text()
            return self.log.read_text() if words in self.log.read_text() else ""

        return wait_for(found, f"{words!r} in {self.log}")

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        content = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.address + path, content, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    @property
    def token(self) -> str:
        command = [sys.executable, "tasks.py", "token", "--all"]
        done = subprocess.run(
            command, cwd=self.service, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout.splitlines()[-1]

    def end(self, number: int = signal.SIGINT) -> int:
        """The signal to the whole group, as a terminal sends it; gives the exit code."""
        os.killpg(self.process.pid, number)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def processes(mention: str) -> list[str]:
    """Command lines of living processes that work in a folder, or name it in their arguments."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            where = str((entry / "cwd").readlink())
        except OSError:
            continue
        if command and (mention in command or where.startswith(mention)):
            found.append(command)
    return found
