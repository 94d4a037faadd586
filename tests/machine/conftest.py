"""Machines over SSH: the images of the cluster's tests, and a project of its own for each module or test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import variants
from tests.support.bakery import Bakery
from tests.support.machines import Host, MachineStage
from tests.support.stage import Images


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.needs("machine"))


@pytest.fixture(scope="session")
def machine() -> Host:
    host = Host("TEST_VM")
    if reason := host.unavailable():
        pytest.skip(reason)
    return host


@pytest.fixture(scope="session")
def second_machine() -> Host:
    host = Host("TEST_VM2")
    if reason := host.unavailable():
        pytest.skip(reason)
    return host


@pytest.fixture(scope="session")
def shop(machine: Host, bakery: Bakery) -> Path:
    return bakery.bake(project_name="Shop")


@pytest.fixture(scope="session")
def images(shop: Path, bakery: Bakery) -> Images:
    return variants.once(bakery, shop)


@pytest.fixture(scope="session")
def actor(shop: Path, images: Images, bakery: Bakery) -> MachineStage:
    """A stage without a project: `fresh` gives it one."""
    return MachineStage("", shop, images, bakery.environment)


@pytest.fixture(scope="module")
def running(actor: MachineStage) -> Iterator[MachineStage]:
    """A project for a module, with version v1 released."""
    with actor.fresh() as made:
        ended = made.deploy("v1")
        assert ended.code == 0, ended
        yield made
