"""A service and small templates, to generate resources."""

from pathlib import Path

import pytest

from tests.support.generating import SERVICE, TEMPLATES


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    for name, text in TEMPLATES.items():
        path = tmp_path / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "templates"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "service.toml").write_text(SERVICE)
    return tmp_path / "service"
