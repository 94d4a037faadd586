"""The task `dev`: it serves, restarts, keeps its data, and leaves nothing running."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.running import Dev, processes, wait_for
from toolkit.dev.postgres import files

Start = Callable[..., Dev]
Task = Callable[..., subprocess.CompletedProcess[str]]
PRODUCT = {"name": "Lamp", "price": "12.50"}
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc, which Linux has")


def running(service: Path) -> list[str]:
    return processes(str(service)) + processes(str(files.home(service)))


@linux
def test_serve_restart_and_stop(dev: Start, service: Path) -> None:
    first = dev().ready()
    request = re.search(r"^  try +(curl .+)$", first.log.read_text(), re.MULTILINE)
    assert request, "the first request is printed"
    tried = subprocess.run(["sh", "-c", request[1]], cwd=service, check=True, capture_output=True, text=True)
    assert json.loads(tried.stdout) == {"items": [], "next": None}
    status, product = first.call("POST", "/api/v1/products", PRODUCT)
    assert status == 201

    source = service / "app" / "main.py"
    good = source.read_text()
    source.write_text(good + "\nthis is no Python\n")
    first.says("save a file to restart it")
    source.write_text(good)
    wait_for(lambda: answers(first, product["id"]), "the service answers again")

    assert first.end() == 130
    assert "Traceback" not in first.log.read_text().rpartition("save a file to restart it")[2]
    assert running(service) == []

    assert dev().ready().call("GET", f"/api/v1/products/{product['id']}")[0] == 200


def answers(running: Dev, product: str) -> bool:
    try:
        return running.call("GET", f"/api/v1/products/{product}")[0] == 200
    except OSError:
        return False


@linux
@pytest.mark.drill(minutes=1)
def test_a_killed_one_leaves_nothing_that_is_in_the_way(dev: Start, service: Path) -> None:
    first = dev().ready()
    status, product = first.call("POST", "/api/v1/products", PRODUCT)
    assert status == 201
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    wait_for(lambda: not running(service), "no process of the service is left")

    assert dev().ready().call("GET", f"/api/v1/products/{product['id']}")[0] == 200


@pytest.mark.drill(minutes=1)
def test_fresh_starts_over(dev: Start) -> None:
    first = dev().ready()
    assert first.call("POST", "/api/v1/products", PRODUCT)[0] == 201
    assert first.end(signal.SIGTERM) == 143
    assert dev("--fresh").ready().call("GET", "/api/v1/products") == (200, {"items": [], "next": None})


def test_a_proxy_is_not_asked_for_this_machine(dev: Start) -> None:
    nowhere = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), "http://127.0.0.1:9")
    dev(**nowhere, NO_PROXY="", no_proxy="").ready()


def test_a_port_or_database_in_use_is_reported(dev: Start, task: Task) -> None:
    first = dev().ready()
    taken = task("dev", "--port", str(first.port))
    assert taken.returncode == 1
    assert f"Port {first.port} is in use" in taken.stderr
    assert "dev --port" in taken.stderr

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        other = probe.getsockname()[1]
    database = task("dev", "--port", str(other))
    assert database.returncode == 1
    assert f"in use by process {first.process.pid}" in database.stderr
    assert "Traceback" not in taken.stderr + database.stderr


def test_a_number_that_is_no_port_is_refused(task: Task) -> None:
    refused = task("dev", "--port", "70000")
    assert refused.returncode == 1
    assert "--port 70000 is invalid. Choose a port from 1 to 65535." in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_database_of_ones_own(task: Task, dev: Start, service: Path) -> None:
    from toolkit.dev.postgres import run

    refused = task("dev", "--fresh", DATABASE_URL="postgresql://me@localhost/mine")
    assert refused.returncode == 1
    assert "DATABASE_URL names another" in refused.stderr

    with run.scratch() as url:
        given = dev(DATABASE_URL=url).ready()
        assert given.call("POST", "/api/v1/products", PRODUCT)[0] == 201
        assert not (files.home(service) / "data").exists()
        given.end()
