"""ECS by an emulator that runs each task as a container: a service of its own for each module or test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ecs, variants
from tests.support.bakery import Bakery
from tests.support.ecs import EcsStage
from tests.support.stage import Images


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.needs("aws"))


@pytest.fixture(scope="session")
def emulator() -> None:
    if reason := ecs.unavailable():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def shop(emulator: None, bakery: Bakery) -> Path:
    return bakery.bake(project_name="Shop")


@pytest.fixture(scope="session")
def images(shop: Path, bakery: Bakery) -> Images:
    return variants.once(bakery, shop)


@pytest.fixture(scope="session")
def actor(shop: Path, images: Images, bakery: Bakery) -> EcsStage:
    """A stage without a service: `fresh` gives it one."""
    return EcsStage("", shop, images, bakery.environment)


@pytest.fixture(scope="module")
def running(actor: EcsStage) -> Iterator[EcsStage]:
    """A service for a module, with version v1 released."""
    with actor.fresh() as made:
        ended = made.deploy("v1")
        assert ended.code == 0, ended
        yield made
