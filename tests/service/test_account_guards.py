"""A service with users of its own: without any one of its guards, one of its tests is red."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.account_guards import GUARDS, IN_TEMPLATE, Change, NotFoundOnce
from tests.support.bakery import Bakery
from tests.support.template import SERVICE

PYTEST = ("-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", "--no-header")


@pytest.fixture(scope="module")
def service(bakery: Bakery, tmp_path_factory: pytest.TempPathFactory) -> Path:
    service = tmp_path_factory.mktemp("guards") / "accounts"
    bakery.copy(bakery.bake(auth="accounts"), service)
    return service


@pytest.fixture
def without(service: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The service without the guard of this test's parameter."""
    kept = GUARDS[request.param].remove(service)
    try:
        yield service
    finally:
        for file, source in kept.items():
            file.write_text(source)


def run(bakery: Bakery, service: Path, *tests: str) -> tuple[int, str]:
    done = bakery.run([str(service / ".venv" / "bin" / "python"), *PYTEST, *tests], cwd=service)
    return done.returncode, done.stdout[-6000:] + done.stderr[-1000:]


@pytest.mark.parametrize("name", GUARDS)
def test_a_guard_is_in_the_template(tmp_path: Path, name: str) -> None:
    """A mutation whose text is gone tests nothing any more: change it with the code."""
    for change in GUARDS[name].changes:
        (tmp_path / change.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / change.path).write_text((SERVICE / IN_TEMPLATE.get(change.path, change.path)).read_text())
    assert GUARDS[name].remove(tmp_path)


@pytest.mark.parametrize("source", ["", "guard; guard"])
def test_a_text_that_is_not_there_once_is_a_failure(source: str) -> None:
    with pytest.raises(NotFoundOnce):
        Change("a.py", "guard", "pass").of(source)


@pytest.mark.alone
@pytest.mark.drill(minutes=1)
def test_with_all_guards_the_tests_are_green(bakery: Bakery, service: Path) -> None:
    code, output = run(bakery, service, *sorted({guard.test for guard in GUARDS.values()}))
    assert code == 0, output


@pytest.mark.drill(minutes=0.3)
@pytest.mark.parametrize(("without", "name"), [(name, name) for name in GUARDS], indirect=["without"], ids=GUARDS)
def test_without_a_guard_a_test_is_red(bakery: Bakery, without: Path, name: str) -> None:
    code, output = run(bakery, without, GUARDS[name].test)
    assert (code, "FAILED" in output) == (1, True), output
