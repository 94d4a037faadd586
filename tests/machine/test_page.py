"""The deploy page of a release on a machine."""

from pathlib import Path

import pytest

from tests.support.deploy_page import require_requests_by_step
from tests.support.machines import MachineStage

pytestmark = [pytest.mark.drill(minutes=2), pytest.mark.alone]  # serves under load


def test_page_has_the_requests_of_each_step(running: MachineStage, tmp_path: Path) -> None:
    require_requests_by_step(running, tmp_path / "deploy.html")
