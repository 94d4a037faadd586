"""One baked service and one set of images for a run; a namespace of its own for each module or test."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.support import variants
from tests.support.bakery import Bakery
from tests.support.stage import Images, Stage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.needs("cluster"))


@pytest.fixture(scope="session")
def cluster() -> None:
    if reason := variants.available():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def shop(cluster: None, bakery: Bakery) -> Path:
    return bakery.bake(project_name="Shop")


@pytest.fixture(scope="session")
def images(shop: Path, bakery: Bakery) -> Images:
    """Built once in a run, by the worker that asks first."""
    told = bakery.folder / "images.json"
    with bakery._once("images") as first:
        if first:
            folder = bakery.folder / "images-of-shop"
            folder.mkdir()
            built = variants.build(shop, folder)
            told.write_text(json.dumps(asdict(built)))
    return Images(**json.loads(told.read_text()))


@pytest.fixture(scope="session")
def actor(shop: Path, images: Images, bakery: Bakery) -> Stage:
    """A stage without a namespace: `fresh` gives it one."""
    return Stage("", shop, images, bakery.environment)


@pytest.fixture(scope="session")
def chart(bakery: Bakery) -> Path:
    return bakery.bake(project_name="Shop", driver="helm")


@pytest.fixture(scope="session")
def charted(actor: Stage, chart: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of the chart that has the images' revisions."""
    project = tmp_path_factory.mktemp("helm") / "shop"
    shutil.copytree(chart, project, symlinks=True)
    shutil.rmtree(project / "alembic" / "versions")
    shutil.copytree(actor.project / "alembic" / "versions", project / "alembic" / "versions")
    return project


@pytest.fixture(scope="module")
def running(actor: Stage) -> Iterator[Stage]:
    """A namespace for a module, with version v1 released; each test puts v1 back, or leaves it."""
    with actor.fresh() as made:
        ended = made.deploy("v1")
        assert ended.code == 0, ended
        yield made
