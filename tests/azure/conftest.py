"""Azure's APIs on this machine, and one service that is deployed to them; each test or module has a group of its own."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.azure import AzureStage
from tests.support.bakery import Bakery


@pytest.fixture(scope="session")
def shop(bakery: Bakery) -> Path:
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
