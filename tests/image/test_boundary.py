"""`verify` asks the service for its examples and a token, not its tests."""

import pytest

from tests.image.conftest import Checkout
from tests.image.test_compose import OF_THE_SERVICE, lines_of
from tests.support import boundary


@pytest.mark.drill(minutes=2)
def test_verify_works_without_the_services_tests(compose: Checkout) -> None:
    boundary.empty_tests(compose.folder)
    ended = compose.ok("verify", "--json")
    seen = lines_of(ended.out)
    assert {seen[name] for name in (*OF_THE_SERVICE, "containers", "migrations", "tables", "settings")} == {"ok"}
    assert "failed" not in seen.values(), str(ended)
