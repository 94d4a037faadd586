"""The service as it runs in production: `python -m app`, a process of its own on a port of its own."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.support.databases import ROOT
from tests.support.waiting import PATIENCE
from toolkit.dev.subprocesses import die_with_parent, started

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Service:
    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    def output(self) -> str:
        return self.log.read_text(errors="replace")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def unmeasured() -> dict[str, str]:
    """This process's environment, without the variable by which coverage measures children, which slows them down."""
    return {name: value for name, value in os.environ.items() if name != "COVERAGE_PROCESS_CONFIG"}


@contextmanager
def running(
    database_url: str, *, command: tuple[str, ...] = ("-m", "app"), measured: bool = True, **settings: str
) -> Iterator[Service]:
    """The service on `database_url`, answering. Raises RuntimeError with its output when it does not come up."""
    port = free_port()
    inherited = dict(os.environ) if measured else unmeasured()
    environment = {**inherited, "DATABASE_URL": database_url, "HOST": HOST, "PORT": str(port), **settings}
    with tempfile.TemporaryDirectory(prefix="service-") as folder:
        log = Path(folder) / "output"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, *command],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent,
            )
        service = Service(f"http://{HOST}:{port}", process, log)
        try:
            _wait(service)
            yield service
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(PATIENCE)
            finally:
                process.kill()


def _wait(service: Service) -> None:
    def serves() -> bool:
        try:
            # Not /health: that one answers while the application is still being made.
            return httpx2.get(f"{service.url}/", timeout=PATIENCE).status_code == 404
        except httpx2.TransportError:
            return False

    if fault := started(service.process, serves, f"the service at {service.url}"):
        raise RuntimeError(f"{fault}\n{service.output()}")
