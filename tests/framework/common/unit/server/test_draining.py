"""The end of a process: connection draining, graceful shutdown, or at once."""

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from app.core.config import Settings
from app.lifecycle import Lifecycle
from app.server import draining
from app.server.draining import DrainingServer, make_server
from tests.support.waiting import PATIENCE
from toolkit.dev.subprocesses import started

PROJECT = Path(__file__).resolve().parents[3]
DRAIN_SECONDS = 3  # enough to hear the signal and to be asked twice, on a machine with other things to do


async def nothing(scope: Any, receive: Any, send: Any) -> None: ...


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The server's clock; `clock[0] += 1` advances it by a second."""
    now = [100.0]
    monkeypatch.setattr(draining, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The codes that the process was left with at once."""
    codes: list[int] = []
    monkeypatch.setattr(draining.os, "_exit", codes.append)
    return codes


def draining_server(drain: float) -> DrainingServer:
    made = DrainingServer(uvicorn.Config(nothing), Lifecycle(), drain)
    made.config.load()
    return made


def tick(made: DrainingServer) -> bool:
    return asyncio.run(made.on_tick(0))


def test_the_first_signal_starts_draining(clock: list[float], left: list[int]) -> None:
    made = draining_server(15)
    assert not tick(made)
    made.handle_exit(signal.SIGTERM, None)
    assert made.lifecycle.draining
    assert not tick(made)
    clock[0] += 14.9
    assert not tick(made)
    clock[0] += 0.2
    assert tick(made)
    # Not handed to uvicorn, which would raise it again and end a clean shutdown with 143.
    assert made._captured_signals == []
    assert left == []


def test_without_a_drain_the_shutdown_begins_at_once(clock: list[float]) -> None:
    made = draining_server(0)
    made.handle_exit(signal.SIGINT, None)
    assert made.lifecycle.draining
    assert tick(made)


def test_a_second_signal_ends_it(clock: list[float], left: list[int]) -> None:
    made = draining_server(15)
    made.handle_exit(signal.SIGTERM, None)
    made.handle_exit(signal.SIGTERM, None)  # the same one, by way of the parent
    assert left == []
    clock[0] += 1
    made.handle_exit(signal.SIGINT, None)
    assert left == [130]


def test_connections_are_kept_longer_than_a_proxy_keeps_them(clean_environment: pytest.MonkeyPatch) -> None:
    config = make_server(nothing, Settings(), Lifecycle()).config
    assert config.timeout_keep_alive >= 75
    assert not config.access_log
    assert config.app is nothing
    assert not config.proxy_headers


@pytest.fixture
def start() -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], int]]]:
    """Starts the service as a process: `process, port = start(DRAIN_SECONDS="1")`."""
    running: list[subprocess.Popen[bytes]] = []

    def run(**variables: str) -> tuple[subprocess.Popen[bytes], int]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = {
            "PATH": os.environ["PATH"],
            "ENVIRONMENT": "test",
            "PORT": str(port),
            "DATABASE_URL": "postgresql://u:p@127.0.0.1:1/nowhere",
            **variables,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "app"], cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL
        )
        running.append(process)
        return process, port

    yield run
    for process in running:
        process.kill()
        process.wait()


def get(connection: http.client.HTTPConnection, path: str) -> http.client.HTTPResponse:
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer


def status_of(port: int, path: str, host: str = "127.0.0.1") -> int:
    """The answer on a connection of its own."""
    with closing(http.client.HTTPConnection(host, port, timeout=PATIENCE)) as connection:
        return get(connection, path).status


def wait_for_start(process: subprocess.Popen[bytes], port: int, host: str = "127.0.0.1") -> None:
    def answers() -> bool:
        try:
            return status_of(port, "/health", host) == 200
        except OSError:
            return False

    assert not (fault := started(process, answers, "the service")), fault


def wait_for_drain(connection: http.client.HTTPConnection) -> None:
    """Wait until a response has `Connection: close`: the signal has arrived. The service stays alive meanwhile."""
    end = time.monotonic() + PATIENCE
    while True:
        answer = get(connection, "/health")
        assert answer.status == 200
        if answer.getheader("Connection") == "close":
            return
        assert time.monotonic() < end, f"waited {PATIENCE:.0f} s for the connection to be closed"


Start = Callable[..., tuple[subprocess.Popen[bytes], int]]


def test_a_process_drains_and_leaves_with_0(start: Start) -> None:
    process, port = start(DRAIN_SECONDS=str(DRAIN_SECONDS))
    wait_for_start(process, port)
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        assert get(connection, "/health").getheader("Connection") is None
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        wait_for_drain(connection)
    # New clients are still served, and readiness says why they should not come.
    assert status_of(port, "/health") == 200
    assert status_of(port, "/ready") == 503
    assert process.wait(timeout=PATIENCE) == 0
    assert time.monotonic() - began >= DRAIN_SECONDS


def test_a_second_signal_does_not_wait(start: Start) -> None:
    process, port = start(DRAIN_SECONDS="60")
    wait_for_start(process, port)
    process.send_signal(signal.SIGTERM)
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        wait_for_drain(connection)
    time.sleep(draining.SAME_SIGNAL_SECONDS + 0.1)  # what comes sooner is the same signal
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE) == 143


# % if cookiecutter.auth == "jwt"
def test_settings_that_fail_late_end_the_process_with_78(start: Start) -> None:
    # Those of tokens are read with the application, when the server listens already.
    process, _ = start(JWT_ALGORITHMS="none")
    assert process.wait(timeout=PATIENCE) == 78


# % endif
def test_a_port_that_is_taken_ends_the_start(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process, _ = start(PORT=str(taken.getsockname()[1]))
        assert process.wait(timeout=PATIENCE) == 3
