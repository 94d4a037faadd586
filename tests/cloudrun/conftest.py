"""Cloud Run's API in front of Knative: the images of the cluster's tests, and a project for each module or test."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.support import variants
from tests.support.bakery import Bakery
from tests.support.cloudrun import CloudRunStage, unavailable
from tests.support.google_apis import google_apis
from tests.support.stage import Images


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.needs("run"))


@pytest.fixture(scope="session")
def cloudrun() -> None:
    if reason := unavailable():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def shop(cloudrun: None, bakery: Bakery) -> Path:
    return bakery.bake(project_name="Shop")


@pytest.fixture(scope="session")
def images(shop: Path, bakery: Bakery) -> Images:
    """Built once in a run, by the worker that asks first."""
    told = bakery.folder / "images.json"
    with bakery._once("images") as first:
        if first:
            folder = bakery.folder / "images-of-shop"
            folder.mkdir()
            told.write_text(json.dumps(asdict(variants.build(shop, folder))))
    return Images(**json.loads(told.read_text()))


@pytest.fixture(scope="session")
def actor(shop: Path, images: Images, bakery: Bakery) -> Iterator[CloudRunStage]:
    """A stage without a project: `fresh` gives it one."""
    with google_apis() as apis:
        yield CloudRunStage("", shop, images, bakery.environment, apis)


@pytest.fixture(scope="module")
def running(actor: CloudRunStage) -> Iterator[CloudRunStage]:
    """A project for a module, with version v1 released."""
    with actor.fresh() as made:
        ended = made.deploy("v1")
        assert ended.code == 0, ended
        yield replace(made)
