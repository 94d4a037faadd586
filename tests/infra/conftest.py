"""Terraform on the providers' published schemas (TEST_TERRAFORM_CLI_CONFIG), and services with infra/."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import terraform
from tests.support.bakery import Bakery
from tests.support.terraform import Root


@pytest.fixture(scope="session")
def initialised(bakery: Bakery, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Root]:
    """Returns the root module of a cloud, made and initialised once; nobody changes it."""
    made: dict[str, Root] = {}

    def get(cloud: str) -> Root:
        if reason := terraform.unavailable():
            pytest.skip(reason)
        if cloud not in made:
            root = Root(terraform.make(bakery, cloud, tmp_path_factory.mktemp(cloud)), cloud)
            root.done("init", "-no-color", "-input=false")
            made[cloud] = root
        return made[cloud]

    return get


@pytest.fixture
def root(initialised: Callable[[str], Root], tmp_path: Path) -> Callable[[str], Root]:
    """Returns a root module to change, already initialised."""

    def copy(cloud: str) -> Root:
        project = tmp_path / cloud
        shutil.copytree(initialised(cloud).project, project, symlinks=True)
        return Root(project, cloud)

    return copy
