"""A service whose rows have owners: its files are clean, and no user sees the rows of another."""

from pathlib import Path

import pytest

from tests.support.bakery import Bakery
from tests.support.domains import OWNED
from tests.support.framework import OWNERS, lay_over, run_tests

MATRIX = "tests/integration/test_owners.py"


@pytest.fixture(scope="module")
def desk(bakery: Bakery, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service with the domain OWNED, and the framework's tests of owners."""
    service = tmp_path_factory.mktemp("owners") / "desk"
    bakery.copy(bakery.bake(project_name="Desk", resources=OWNED), service)
    assert lay_over(service, OWNERS, common=False)
    return service


@pytest.mark.drill(minutes=1)
def test_no_user_sees_the_rows_of_another(bakery: Bakery, desk: Path) -> None:
    """The matrix of every operation and two users, and for each of its guards the control without it."""
    run_tests(bakery, desk, [MATRIX, *(str(path) for path in desk.glob("tests/integration/test_own*.py"))])


@pytest.mark.drill(minutes=1)
@pytest.mark.parametrize(
    "command",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["pyrefly", "check"], ["lint-imports", "--no-cache"]],
    ids=" ".join,
)
def test_its_files_are_clean(bakery: Bakery, desk: Path, command: list[str]) -> None:
    done = bakery.run([str(desk / ".venv" / "bin" / command[0]), *command[1:]], cwd=desk)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_service_without_owners_has_no_trace_of_them(bakery: Bakery) -> None:
    service = bakery.bake()
    assert not list(service.glob("app/**/owned.py"))
    assert not (service / MATRIX).exists()
