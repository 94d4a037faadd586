"""Azure's APIs on this machine, and a service that is deployed to them; each test or module has its own group."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.azure import AzureStage
from tests.support.bakery import Bakery


@pytest.fixture(scope="session")
def registry_client(bakery: Bakery) -> None:
    """Docker's client, with which a deploy asks a registry about an image; a deploy has a home of its own."""
    command = ["docker", "buildx", "version"]
    found = shutil.which("docker")
    if not found or subprocess.run(command, env=bakery.environment, capture_output=True, check=False).returncode:
        pytest.skip("no `docker buildx`, which asks a registry about an image")


@pytest.fixture(scope="session")
def shop(registry_client: None, bakery: Bakery) -> Path:
    return bakery.bake(project_name="Shop")


@pytest.fixture(scope="session")
def packages(shop: Path, bakery: Bakery) -> str:
    """A folder with azure-identity, which a service on Container Apps adds to its own packages."""
    folder = bakery.folder / "azure-identity"
    with bakery._once("azure-identity") as first:
        if first:
            python = str(shop / ".venv" / "bin" / "python")
            command = [str(shop / ".venv" / "bin" / "uv"), "pip", "install", "--quiet", "--python", python]
            subprocess.run([*command, "--target", str(folder), "azure-identity"], env=bakery.environment, check=True)
    return str(folder)


@pytest.fixture(scope="session")
def actor(shop: Path, packages: str, bakery: Bakery) -> AzureStage:
    """A stage without a group: `fresh` gives it one."""
    return AzureStage(shop, bakery.environment, packages)


@pytest.fixture(scope="module")
def running(actor: AzureStage) -> Iterator[AzureStage]:
    """A group for a module, with version v1 released."""
    with actor.fresh() as made:
        ended = made.deploy("v1")
        assert ended.code == 0, ended
        yield made
