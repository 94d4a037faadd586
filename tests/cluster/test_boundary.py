"""A release is planned by a toolkit that has nothing of the service's to import."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import boundary
from tests.support.bakery import Bakery
from tests.support.stage import Stage


@pytest.fixture
def service(actor: Stage, bakery: Bakery, tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    bakery.copy(actor.project, folder)
    boundary.empty_tests(folder)
    return folder


@pytest.mark.drill(minutes=2)
def test_a_deploy_is_planned_without_the_services_tests_and_by_the_wheel(
    actor: Stage, service: Path, tmp_path: Path
) -> None:
    with actor.fresh() as stage:
        stage = replace(stage, project=service)
        folder = stage.task("deploy", "--check", image="v1")
        assert folder.code == 0, folder
        assert "migrate" in folder.out
        index = boundary.use_wheel(service, boundary.build_wheel(tmp_path / "wheel"))
        wheel = stage.task("deploy", "--check", image="v1", UV_FIND_LINKS=index)
        assert wheel.code == 0, wheel
        assert "migrate" in wheel.out
