"""A canary on Cloud Run: a worse version is taken back at its first share, a good one gets 10, 50 and 100 %."""

import os
import re
import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support import faults
from tests.support.cloudrun import CloudRunStage
from tests.support.running import PATIENCE
from tests.support.stage import Images, until

pytestmark = [pytest.mark.drill(minutes=1), pytest.mark.alone]  # serves under load

SHARES = ("-e", "canary.weights=[10, 50, 100]", "-e", "canary.seconds=8")
# Two versions that share a busy machine differ by chance.
PATIENT = ("-e", "canary.slower=10")


@pytest.fixture(scope="module")
def faulty(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Images:
    faults.build(images, tmp_path_factory.mktemp)
    return images


@pytest.fixture(scope="module")
def canaried(actor: CloudRunStage, faulty: Images) -> Iterator[CloudRunStage]:
    with actor.fresh() as made:
        ended = made.deploy("v1", *SHARES)
        assert ended.code == 0, ended
        assert re.search(r"^ok +canary ", ended.out, re.M), "the first release has nothing to be compared with"
        yield made


@pytest.mark.parametrize(("version", "figure"), [("erring", "5xx"), ("slow", "p95")])
def test_a_worse_version_is_taken_back_at_its_first_share(canaried: CloudRunStage, version: str, figure: str) -> None:
    with canaried.load(100) as clients:
        ended = canaried.deploy(version, *SHARES, *(PATIENT if version == "erring" else ()))
    assert ended.code == 3, ended
    assert "CANARY_WORSE" in ended.out
    assert "at 10 % of the requests" in ended.out
    assert figure in ended.out
    assert "`canary.error_percent`" in ended.out
    assert canaried.traffic() == {canaried.images["v1"]: 100}
    assert clients.failures or version == "slow"  # control: the clients notice them
    assert clients.failures.total() <= 0.05 * clients.sent, f"{clients.failures} of {clients.sent}"


@pytest.mark.parametrize("share", [10, 50])
def test_requests_are_divided_as_asked_and_an_interrupt_takes_the_canary_back(
    canaried: CloudRunStage, share: int
) -> None:
    before = canaried.traffic()
    with canaried.deploying("v3", "-e", f"canary.weights=[{share}]", "-e", "canary.seconds=900") as child:
        until(lambda: canaried.traffic().get(canaried.images["v3"]) == share, PATIENCE, f"{share} %")
        seen = Counter(canaried.served() for _ in range(1000))
        os.kill(child.pid, signal.SIGINT)
        out, _ = child.communicate(timeout=PATIENCE)
    assert child.returncode == 130, out
    assert abs(seen[canaried.images["v3"]] - 10 * share) < 30, seen
    assert canaried.traffic() == before


def test_a_good_version_gets_its_shares_and_no_request_fails(canaried: CloudRunStage) -> None:
    with canaried.load(100) as clients:
        ended = canaried.deploy("v2", *SHARES, *PATIENT)
    assert ended.code == 0, ended
    assert "passed 10 %, 50 %, 100 %" in ended.out
    assert not clients.failures, f"{clients.failures} of {clients.sent}"
    assert clients.sent > 1000
    assert canaried.traffic() == {canaried.images["v2"]: 100}


def test_the_canary_of_a_killed_deploy_is_taken_back(canaried: CloudRunStage) -> None:
    before = canaried.traffic()
    with canaried.deploying("v3", *SHARES, "-e", "canary.seconds=60") as child:
        until(lambda: canaried.traffic().get(canaried.images["v3"]) == 10, PATIENCE, "10 %")
        os.killpg(child.pid, signal.SIGKILL)
    shown = canaried.task("doctor")
    assert shown.code == 6, shown
    assert "a deploy has not ended" in shown.out
    (digest,) = before
    name = next(name for name in ("v1", "v2") if canaried.images[name] == digest)
    ended = canaried.deploy(name)
    assert ended.code == 0, ended
    assert "a killed deploy left" in ended.out
    assert canaried.traffic() == before
