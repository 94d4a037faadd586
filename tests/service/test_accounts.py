"""A service with users of its own, as others see it: single sign-on, a browser, and the drills of an attack."""

from pathlib import Path

import pytest

from tests.support.bakery import Bakery
from tests.support.framework import lay_over, run_tests


@pytest.fixture
def service(bakery: Bakery, tmp_path: Path) -> Path:
    """A service with `auth=accounts`, with the tests of the framework for it."""
    service = tmp_path / "accounts"
    bakery.copy(bakery.bake(auth="accounts"), service)
    lay_over(service, "accounts", common=False)
    return service


@pytest.mark.drill(minutes=1)
def test_single_sign_on(bakery: Bakery, service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_SERVICE", str(bakery.bake()))
    run_tests(bakery, service, ["tests/e2e/test_single_sign_on.py"])


@pytest.mark.needs("browser")
@pytest.mark.drill(minutes=1)
def test_authorize_in_a_browser(bakery: Bakery, service: Path) -> None:
    run_tests(bakery, service, ["tests/e2e/test_authorize_in_a_browser.py"])


@pytest.mark.drill(minutes=1)
def test_guesses_over_three_instances(bakery: Bakery, service: Path) -> None:
    run_tests(bakery, service, ["tests/integration/accounts/test_instances.py"])


@pytest.mark.alone
@pytest.mark.drill(minutes=5)
@pytest.mark.parametrize("measured", ["next_request", "not next_request"])
def test_times_do_not_tell_known_e_mails(bakery: Bakery, service: Path, measured: str) -> None:
    run_tests(bakery, service, ["-n0", "tests/integration/accounts/test_enumeration.py", "-k", measured])


@pytest.mark.alone
@pytest.mark.drill(minutes=1)
def test_a_storm_of_log_ins(bakery: Bakery, service: Path) -> None:
    run_tests(bakery, service, ["-n0", "tests/integration/accounts/test_storm.py"])
