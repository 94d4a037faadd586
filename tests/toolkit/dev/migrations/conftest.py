"""A service of one models.py, with a PostgreSQL of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.small_service import SmallService
from toolkit.dev.postgres import run as postgres


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SmallService]:
    with postgres.scratch() as url:
        yield SmallService(tmp_path, url)
