"""The deploy page of a release on a cluster."""

from pathlib import Path

import pytest

from tests.support.deploy_page import require_requests_by_step
from tests.support.stage import Stage

pytestmark = [pytest.mark.drill(minutes=2), pytest.mark.alone]  # serves under load


def test_page_has_the_requests_of_each_step(running: Stage, tmp_path: Path) -> None:
    require_requests_by_step(running, tmp_path / "deploy.html")
