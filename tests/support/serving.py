"""A baked service as a process of its own, on a database that the test chooses."""

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.running import free_port, wait_for


@dataclass(frozen=True)
class Serving:
    url: str
    token: str
    log: Path

    def get(self, path: str) -> tuple[int, Any]:
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.token}"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())


def python(service: Path, *arguments: str, env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """A program of the service, to its end."""
    command = [str(service / ".venv/bin/python"), *arguments]
    return subprocess.run(command, cwd=service, env=dict(env), check=False, capture_output=True, text=True)


@contextmanager
def serving(service: Path, env: Mapping[str, str], log: Path) -> Iterator[Serving]:
    """The service while it answers; whether its database does is another matter."""
    printed = python(service, "tasks.py", "token", "--all", env=env).stdout.splitlines()
    token = printed[-1] if printed else ""  # a service without authentication has no such command
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(service / ".venv/bin/python"), "-m", "app"],
            cwd=service,
            env={**env, "PORT": str(port)},
            stdout=output,
            stderr=output,
        )
    running = Serving(f"http://127.0.0.1:{port}", token, log)

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return running.get("/nowhere")[0] == 404  # /health answers before the application is there
        except urllib.error.URLError:
            return False

    try:
        wait_for(answers, f"an answer of {running.url}")
        yield running
    finally:
        process.terminate()
        process.wait()
