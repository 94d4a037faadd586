"""The client of AWS: one process with an environment of its own, started by the first call, ended with this one.

boto3 and the client of Kubernetes cannot be installed together, so the client is a script with its own dependencies
(PEP 723), which uv installs.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.deploy.outcomes import fail
from toolkit.dev import bootstrap
from toolkit.dev.subprocesses import die_with_parent, stop

if TYPE_CHECKING:
    from toolkit.deploy.places.changes import Changes

SCRIPT = Path(__file__).parent / "clients" / "aws.py"
SECONDS = 300  # the first call installs boto3; later ones end by boto3's own limits

Answer = dict[str, Any]  # as boto3 returns it: only values.py and calls.py of this folder read it


class AwsError(Exception):
    """AWS refused a call, or was not reached. `code`: of AWS, or the name of boto3's exception."""

    def __init__(self, service: str, operation: str, code: str, message: str) -> None:
        super().__init__(f"{service}.{operation}: {code}: {message}")
        self.service, self.operation, self.code, self.message = service, operation, code, message


@dataclass(frozen=True)
class Called:
    answer: Answer
    date: str  # of the response, on the server's clock


class Client:
    """Calls AWS in one region. Several threads may use it."""

    def __init__(self, region: str, changes: Changes) -> None:
        self.region, self._changes = region, changes
        self._child: subprocess.Popen[bytes] | None = None
        self._mutex = threading.Lock()

    def read(self, service: str, operation: str, /, **parameters: object) -> Answer:
        """Call what changes nothing. Raises AwsError, and Failed AWS_CLIENT."""
        return self.call(service, operation, parameters).answer

    def change(self, service: str, operation: str, /, **parameters: object) -> Answer:
        """Call what makes a change: counted, and only under the lock. Raises AwsError."""
        self._changes.allow()
        return self.call(service, operation, parameters).answer

    def call(self, service: str, operation: str, parameters: dict[str, object]) -> Called:
        """Call, whether or not changes are allowed. Raises AwsError, and Failed AWS_CLIENT."""
        asked = json.dumps({"service": service, "operation": operation, "parameters": parameters})
        with self._mutex:
            said = self._exchange(asked.encode() + b"\n")
        if error := said.get("error"):
            raise AwsError(service, operation, str(error["code"]), str(error["message"]))
        return Called(said["answer"], str(said["date"]))

    def _exchange(self, line: bytes) -> Answer:
        if self._child is None:
            self._child = self._start()
        child = self._child
        assert child.stdin is not None  # noqa: S101 - for the type checker
        assert child.stdout is not None  # noqa: S101
        try:
            child.stdin.write(line)
            child.stdin.flush()
            ready, _, _ = select.select([child.stdout], [], [], SECONDS)
            said = child.stdout.readline() if ready else b""
        except BrokenPipeError:
            said = b""
        if said:
            found: Answer = json.loads(said)
            return found
        self.close()
        text = child.stderr.read().decode(errors="replace") if child.stderr else ""
        lines = [each for each in text.splitlines() if each.strip()][-3:]
        hint = f"`{' '.join(command('uv', self.region))} </dev/null` installs boto3 and shows the reason"
        raise fail("AWS_CLIENT", "the client of AWS (boto3) cannot be started", *lines, hint=hint)

    def _start(self) -> subprocess.Popen[bytes]:
        uv = bootstrap.find_uv(Path.cwd())
        if uv is None:
            raise fail("AWS_CLIENT", "uv, which runs the client of AWS (boto3), is missing", hint="pip install uv")
        child = subprocess.Popen(  # noqa: S603 - a fixed argument list
            command(uv, self.region),
            env={**os.environ, **bootstrap.uv_environment()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches only this process, which still needs it for the way back
            preexec_fn=lambda: die_with_parent(signal.SIGKILL),
        )
        atexit.register(stop, child)
        return child

    def close(self) -> None:
        if self._child:
            stop(self._child)
            self._child = None


def command(uv: str, region: str) -> list[str]:
    return [uv, "run", "--quiet", "--script", str(SCRIPT), region]
