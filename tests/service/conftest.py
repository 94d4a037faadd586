"""A service of one's own, and the processes that run it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.bakery import Bakery
from tests.support.running import Dev
from toolkit.dev.postgres import run as postgres


@pytest.fixture
def service(bakery: Bakery, tmp_path: Path) -> Iterator[Path]:
    """A copy of the default service that a test may change."""
    folder = tmp_path / "product-catalogue"
    bakery.copy(bakery.bake(), folder)
    yield folder
    postgres.forget(folder)


@pytest.fixture
def task(bakery: Bakery, service: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a task of the service to its end."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return bakery.run(
            [sys.executable, "tasks.py", *arguments], cwd=service, env={**bakery.environment, **variables}
        )

    return run


@pytest.fixture
def dev(bakery: Bakery, service: Path) -> Iterator[Callable[..., Dev]]:
    """Starts the task `dev`, and ends what it has started."""
    started: list[Dev] = []

    def start(*arguments: str, **variables: str) -> Dev:
        started.append(Dev(service, arguments, {**bakery.environment, **variables}))
        return started[-1]

    yield start
    for running in started:
        running.kill()


@pytest.fixture
def url() -> Iterator[str]:
    """An empty PostgreSQL of the test's own."""
    with postgres.scratch() as url:
        yield url
