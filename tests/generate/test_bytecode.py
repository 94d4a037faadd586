"""Compiled files go from one service to the next that has locked the same packages."""

from pathlib import Path

import pytest

from hooks import bytecode

LOCK = """version = 1

[[package]]
name = "{name}"
version = "0.1.0"
source = {{ virtual = "." }}

[[package]]
name = "fastapi"
version = "{version}"
"""
COMPILED = Path(".venv/lib/python3.13/site-packages/fastapi/__pycache__/routing.cpython-313.pyc")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def service(folder: Path, version: str = "1.0.0") -> Path:
    """A service with nothing compiled yet; its distribution is not called as its folder is."""
    (folder / COMPILED).parent.mkdir(parents=True)
    name = f"{folder.name}-service"
    (folder / "pyproject.toml").write_text(f'[project]\nname = "{name}"\n')
    (folder / "uv.lock").write_text(LOCK.format(name=name, version=version))
    return folder


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """A service whose compiled files are kept."""
    orders = service(tmp_path / "orders")
    (orders / COMPILED).write_bytes(b"compiled")
    bytecode.keep(orders)
    return orders


def test_a_service_of_another_name_gets_them_as_links(orders: Path, tmp_path: Path) -> None:
    users = service(tmp_path / "users")
    bytecode.bring(users)
    assert (users / COMPILED).samefile(orders / COMPILED)


def test_other_packages_get_none(orders: Path, tmp_path: Path) -> None:
    users = service(tmp_path / "users", version="2.0.0")
    bytecode.bring(users)
    assert not (users / COMPILED).exists()
