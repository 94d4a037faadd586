"""A canary on Container Apps: a worse version is taken back at its first share, a good one gets 10, 50 and 100 %."""

import pytest

from tests.support.azure import AzureStage, only

pytestmark = pytest.mark.drill(minutes=2)

SHARES = ("-e", "canary.weights=[10, 50, 100]", "-e", "canary.seconds=6")


def test_a_worse_version_is_taken_back_at_its_first_share(running: AzureStage) -> None:
    running.add("erring", errors=0.5)
    with running.clients() as seen:
        ended = running.deploy("erring", *SHARES)
    assert ended.code == 3, ended
    assert "CANARY_WORSE" in ended.out
    assert "at 10 % of the requests" in ended.out
    assert "`canary.error_percent`" in ended.out
    assert running.traffic() == only(running.digests["v1"])
    assert seen[500] <= 0.2 * seen.total(), seen


def test_a_good_version_gets_its_shares_and_no_request_fails(running: AzureStage) -> None:
    with running.clients() as seen:
        ended = running.deploy("v2", *SHARES)
    assert ended.code == 0, ended
    assert "passed 10 %, 50 %, 100 %" in ended.out
    assert set(seen) == {200}, seen
    assert running.traffic() == only(running.digests["v2"])
