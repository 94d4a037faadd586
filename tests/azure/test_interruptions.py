"""Deployers of Container Apps that are killed or interrupted, and two at once."""

import os
import signal

import pytest

from tests.support.azure import APP, AzureStage, only
from tests.support.running import PATIENCE

pytestmark = pytest.mark.drill(minutes=3)

# The writes of a release, in order.
STEPS = (
    "PUT jobs/shop-migrate",
    "POST jobs/shop-migrate/start",
    "PATCH containerApps/shop",
    "PATCH containerApps/shop#2",
    "PUT records",
)


@pytest.mark.parametrize("step", STEPS)
def test_killed_deploy_converges(actor: AzureStage, step: str) -> None:
    """Killed when Azure has made the write, and before its answer."""
    with actor.fresh() as stage:
        assert stage.deploy("v1").code == 0
        with stage.rotated(), stage.clients() as seen:
            with stage.stopping(step) as reached, stage.deploying("v2") as child:
                assert reached.wait(PATIENCE), step
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            ended = stage.deploy("v2")
            assert ended.code == 0, ended
            assert "changed=0" in stage.deploy("v2").out
        assert stage.traffic() == only(stage.digests["v2"])
        assert set(seen) == {200}, seen
        assert len(stage.azure.revisions[APP]) == 2, "the revision of the first attempt is used"


def test_one_of_two_deployers_wins(running: AzureStage) -> None:
    with running.stopping("PATCH containerApps/shop") as reached, running.deploying("v2") as first:
        assert reached.wait(PATIENCE)
        second = running.deploy("v2")
        out, _ = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, out
    assert second.code in (0, 5), second
    if second.code == 5:
        assert "LOCKED" in second.out
        assert str(os.uname().nodename) in second.out
    assert running.traffic() == only(running.digests["v2"])


def test_deployer_whose_lock_was_taken_changes_nothing_more(running: AzureStage) -> None:
    before = running.traffic()
    image = "v1" if before == only(running.digests["v2"]) else "v2"
    with running.stopping("PATCH containerApps/shop") as reached, running.deploying(image) as child:
        assert reached.wait(PATIENCE)
        running.take_lock("somebody@elsewhere 1 - nonce")
        out, _ = child.communicate(timeout=PATIENCE)
    assert child.returncode == 5, out
    assert "LEASE_LOST" in out
    assert "somebody@elsewhere" in out
    assert {digest: share for digest, share in running.traffic().items() if share} == before
    again = running.deploy(image)  # waits for the time of that lock, which nobody renews
    assert again.code == 0, again
    assert running.traffic() == only(running.digests[image])


def test_interrupt_rolls_back(running: AzureStage) -> None:
    before = running.traffic()
    image = "v1" if before == only(running.digests["v2"]) else "v2"
    with running.stopping("PATCH containerApps/shop") as reached, running.deploying(image) as child:
        assert reached.wait(PATIENCE)
        os.kill(child.pid, signal.SIGINT)
        out, _ = child.communicate(timeout=PATIENCE)
    assert child.returncode == 130, out
    assert running.traffic() == before
