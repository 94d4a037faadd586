"""The mechanics of `app` (tests/framework), in a baked service, with its fixtures and database."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.bakery import Bakery
from tests.support.framework import UNDER_LOAD, lay_over, run_tests

Bake = Callable[[str], Path]


@pytest.fixture
def bake(bakery: Bakery, tmp_path: Path) -> Bake:
    """A service with this answer to `auth`, to change."""

    def made(auth: str) -> Path:
        service = tmp_path / f"framework-{auth}"
        bakery.copy(bakery.bake(**({} if auth == "jwt" else {"auth": auth})), service)
        return service

    return made


def test_mechanics(bakery: Bakery, bake: Bake) -> None:
    service = bake("jwt")
    run_tests(bakery, service, [name for name in lay_over(service, "jwt") if name != UNDER_LOAD])


@pytest.mark.alone
@pytest.mark.drill(minutes=2)
def test_the_end_of_a_process_under_load(bakery: Bakery, bake: Bake) -> None:
    service = bake("jwt")
    lay_over(service, "jwt")
    run_tests(bakery, service, [UNDER_LOAD])


@pytest.mark.drill(minutes=3)
def test_a_service_without_authentication(bakery: Bakery, bake: Bake) -> None:
    """Its own tests, with the coverage they promise, and those of this answer; all others are a drill."""
    service = bake("none")
    lay_over(service, "none", common=False)
    run_tests(bakery, service, ["tests", "--ignore=tests/integration/test_schemathesis.py", "--cov", "--cov-report="])


@pytest.mark.drill(minutes=2)
def test_mechanics_without_authentication(bakery: Bakery, bake: Bake) -> None:
    service = bake("none")
    files = [name for name in lay_over(service, "none") if name != UNDER_LOAD]
    run_tests(bakery, service, [*files, "tests/integration/test_schemathesis.py"])


@pytest.mark.drill(minutes=6)
def test_a_service_with_users(bakery: Bakery, bake: Bake) -> None:
    """Its own tests, with the coverage they promise; test_accounts.py has those of the framework."""
    run_tests(bakery, bake("accounts"), ["tests", "--cov", "--cov-report="])


@pytest.mark.drill(minutes=3)
def test_mechanics_with_users(bakery: Bakery, bake: Bake) -> None:
    service = bake("accounts")
    own = ("test_enumeration", "test_storm", "test_single_sign_on", "test_authorize", "test_instances")
    files = [name for name in lay_over(service, "accounts") if name != UNDER_LOAD]
    run_tests(bakery, service, [name for name in files if not any(word in name for word in own)])


def test_types_of_the_tests(bakery: Bakery, bake: Bake) -> None:
    """Their imports of the service's own tests cannot be resolved here, so `lint` leaves them out."""
    service = bake("jwt")
    lay_over(service, "jwt")
    done = bakery.run([str(service / ".venv" / "bin" / "pyrefly"), "check", "--output-format=min-text"], cwd=service)
    assert done.returncode == 0, done.stdout + done.stderr
