"""The real engine: a service whose image this run builds, with a registry path and a Compose project of its own."""

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.bakery import Bakery
from tests.support.provider import AUDIENCE, ISSUER, Provider
from tests.support.running import PATIENCE, free_port
from tests.support.stage import REGISTRY, Ended

PASSWORD = "of-a-test-alone"
# The default (18) is not available on every machine that runs these tests; the pipelines fetch this one beforehand.
POSTGRES_VERSION = "17"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.needs("docker"))


def docker(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0 or not check, f"docker {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return (done.stdout + done.stderr).strip()


@pytest.fixture(scope="session")
def engine() -> None:
    for command, reason in (
        (["docker", "version"], "no Docker engine answers"),
        (["docker", "buildx", "version"], "docker has no buildx"),
        (["docker", "compose", "version"], "docker has no compose"),
    ):
        try:
            done = subprocess.run(command, capture_output=True, check=False, timeout=60)
        except OSError:
            pytest.skip("docker is not installed")
        if done.returncode:
            pytest.skip(reason)


@dataclass
class Checkout:
    """A service's folder, and its tasks as a person calls them."""

    folder: Path
    environment: Mapping[str, str]
    variables: dict[str, str] = field(default_factory=dict)

    def task(self, *arguments: str, **variables: str) -> Ended:
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "tasks.py", *arguments],
            cwd=self.folder,
            env={**self.environment, **self.variables, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        return Ended(done.returncode, done.stdout + done.stderr, time.monotonic() - began)

    def ok(self, *arguments: str, **variables: str) -> Ended:
        ended = self.task(*arguments, **variables)
        assert ended.code == 0, str(ended)
        return ended

    def token(self) -> str:
        """A developer's, who may do everything."""
        return next(line for line in self.ok("token", "--all").out.splitlines() if line.startswith("ey"))

    def compose(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            ["docker", "compose", *arguments],
            cwd=self.folder,
            env={**os.environ, "SERVICE_USER": f"{os.getuid()}:{os.getgid()}", **self.variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done.stdout + done.stderr

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *arguments]
        done = subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()


def environment(bakery: Bakery) -> dict[str, str]:
    """A home of its own, but the client's plugins and log-ins, which may lie in the person's."""
    return {**bakery.environment, "DOCKER_CONFIG": os.environ.get("DOCKER_CONFIG", str(Path.home() / ".docker"))}


@pytest.fixture(scope="session")
def shop(engine: None, bakery: Bakery) -> Path:
    """Shared: nobody writes into it."""
    return bakery.bake(project_name="Shop", registry=f"{REGISTRY}/test-image")


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Provider:
    """Whose tokens the containers of `run` accept."""
    return Provider.make(tmp_path_factory.mktemp("provider") / "identity")


@pytest.fixture(scope="session")
def _copy(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A copy with an environment of its own, made once; its commit is what each test begins with."""
    folder = tmp_path_factory.mktemp("image") / "shop"
    shutil.copytree(shop, folder, symlinks=True, ignore=shutil.ignore_patterns(".venv", ".dev"))
    return folder, Checkout(folder, {}).git("rev-parse", "HEAD")


@pytest.fixture
def checkout(_copy: tuple[Path, str], bakery: Bakery) -> Checkout:
    """A service that a test may change, with a Compose project and ports of its own."""
    folder, commit = _copy
    project = f"test-{uuid.uuid4().hex[:8]}"
    ports = {name: str(free_port()) for name in ("APP_PORT", "DB_PORT", "PROMETHEUS_PORT")}
    variables = {"COMPOSE_PROJECT_NAME": project, "POSTGRES_VERSION": POSTGRES_VERSION, **ports}
    fresh = Checkout(folder, environment(bakery), variables)
    fresh.git("reset", "--quiet", "--hard", commit)
    fresh.git("clean", "--quiet", "-xd", "--force", "--exclude=.venv", "--exclude=.dev")
    if "origin" in fresh.git("remote"):
        fresh.git("remote", "remove", "origin")
    return fresh


@pytest.fixture
def own_registry_path(checkout: Checkout) -> Iterator[str]:
    """A path of the registry that no other run has used; the local images are removed afterwards."""
    if subprocess.run(["curl", "-fs", f"http://{REGISTRY}/v2/"], check=False, capture_output=True).returncode:
        pytest.skip(f"no registry answers at {REGISTRY}")
    path = f"{REGISTRY}/test-{uuid.uuid4().hex[:8]}/shop"
    set_image(checkout, path)
    yield path
    found = docker("image", "ls", "--quiet", "--filter", f"reference={path}")
    if found:
        docker("image", "rm", "--force", *set(found.split()))


def set_image(checkout: Checkout, repository: str) -> None:
    path = checkout.folder / "service.toml"
    lines = [
        f'image = "{repository}"' if line.startswith("image = ") else line for line in path.read_text().splitlines()
    ]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def compose(checkout: Checkout) -> Iterator[Checkout]:
    """The same, and whatever it starts is gone afterwards."""
    yield checkout
    checkout.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--rmi", "local", check=False)
    project = checkout.variables["COMPOSE_PROJECT_NAME"]
    docker("image", "rm", "--force", f"{project}-development", check=False)


@pytest.fixture(scope="session")
def image(shop: Path, bakery: Bakery) -> str:
    """The production image of the shared service."""
    ended = Checkout(shop, environment(bakery)).ok("build")
    return ended.out.split("image ")[-1].split()[0]


@dataclass
class Database:
    """A PostgreSQL in a network of its own. `url` is how containers of that network reach it."""

    network: str
    container: str
    url: str


@pytest.fixture(scope="module")
def database(engine: None) -> Iterator[Database]:
    name = f"test-{uuid.uuid4().hex[:8]}"
    docker("network", "create", name)
    docker(
        "run",
        "--detach",
        "--name",
        name,
        "--network",
        name,
        "--env",
        f"POSTGRES_PASSWORD={PASSWORD}",
        f"postgres:{POSTGRES_VERSION}",
    )
    end = time.monotonic() + PATIENCE
    while "accepting" not in docker("exec", name, "pg_isready", "--host", "127.0.0.1", check=False):
        assert time.monotonic() < end, docker("logs", name)
        time.sleep(0.2)
    yield Database(name, name, f"postgresql://postgres:{PASSWORD}@{name}:5432/postgres")
    docker("rm", "--force", "--volumes", name)
    docker("network", "rm", name)


Run = Callable[..., str]


@pytest.fixture
def run(provider: Provider) -> Iterator[Run]:
    """Starts containers as a careful person would, and removes them."""
    started: list[str] = []
    identity = {"JWT_KEY": provider.public_key, "JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE}

    def start(image: str, *command: str, options: tuple[str, ...] = (), **variables: str) -> str:
        name = f"test-{uuid.uuid4().hex[:8]}"
        started.append(name)
        settings = {**identity, **variables}
        given = [part for key, value in settings.items() for part in ("--env", f"{key}={value}")]
        hardened = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "10001")
        docker("run", "--detach", "--name", name, *hardened, *options, *given, image, *command)
        return name

    yield start
    for name in started:
        docker("rm", "--force", name, check=False)


def state(container: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(docker("inspect", "--format", "{{json .State}}", container))
    return found
