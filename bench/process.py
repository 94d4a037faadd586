"""Server processes under measurement: started on their own core, measured by the kernel's counters."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.load import HOST
from bench.wire import HEALTH, request

START_SECONDS = 30
# One core for the server, the others for the load and PostgreSQL; on a single core all share it.
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORES = CORES[:1]
OTHER_CORES = CORES[1:] or CORES


@dataclass(frozen=True)
class Start:
    seconds: float
    cpu_seconds: float


class Server:
    """A running server on `port`. Raises RuntimeError, with its output, when it ends before it answers."""

    def __init__(
        self, command: Sequence[str], port: int, environment: Mapping[str, str], folder: Path, log: Path
    ) -> None:
        self.port = port
        self.log = log
        self.began = time.perf_counter()
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={**_plain(os.environ), **environment},
                stdout=output,
                stderr=output,
                preexec_fn=lambda: os.sched_setaffinity(0, SERVER_CORES),
            )
        try:
            self.healthy = self.wait_for(HEALTH)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def cpu_seconds(self) -> float:
        """Return the processor time of all threads so far, to the nanosecond (clock_getcpuclockid(3))."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def resident_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def wait_for(self, path: str, token: str = "") -> Start:
        """Return the time from the start to the first response to `path` with 200."""
        end = time.perf_counter() + START_SECONDS
        while time.perf_counter() < end and self.process.poll() is None:
            if self._answers(request("GET", path, token)):
                return Start(time.perf_counter() - self.began, self.cpu_seconds())
            time.sleep(0.002)
        state = "ended" if self.process.poll() is not None else f"gave no 200 in {START_SECONDS} s"
        raise RuntimeError(f"{self.process.args} {state}:\n{self.log.read_text(errors='replace')[-3000:]}")

    def _answers(self, text: str) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=START_SECONDS) as connection:
                connection.sendall(text.encode())
                return connection.recv(4096).startswith(b"HTTP/1.1 200")
        except OSError:
            return False


def _plain(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without variables that make Python recompile modules or import others."""
    return {name: value for name, value in variables.items() if name not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")}


@contextmanager
def serving(command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path) -> Iterator[Server]:
    """Run a server during the block. `{port}` in the command, and PORT in its environment, are a free port."""
    port = free_port()
    words = [word.replace("{port}", str(port)) for word in command]
    server = Server(words, port, {**environment, "PORT": str(port)}, folder, log)
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]
