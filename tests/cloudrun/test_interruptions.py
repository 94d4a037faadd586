"""Deployers of Cloud Run that are interrupted, and two at once."""

import os
import signal

import pytest

from tests.support.cloudrun import CloudRunStage
from tests.support.running import PATIENCE

pytestmark = pytest.mark.drill(minutes=1)


def other(stage: CloudRunStage) -> str:
    """Name of the version that is not served."""
    return "v2" if stage.served() == stage.images["v1"] else "v1"


def test_one_of_two_deployers_wins(running: CloudRunStage) -> None:
    image = other(running)
    with running.deploying(image) as first:
        assert first.stdout
        for line in first.stdout:
            if " migrate " in line:
                break
        second = running.deploy(image)
        out, _ = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, out
    assert second.code in (0, 5), second
    if second.code == 5:
        assert "LOCKED" in second.out
        assert str(os.uname().nodename) in second.out
    assert running.served() == running.images[image]


def test_deployer_whose_lock_was_taken_changes_nothing_more(running: CloudRunStage) -> None:
    before, image = running.traffic(), other(running)
    with running.deploying(image) as child:
        assert child.stdout
        for line in child.stdout:
            if " migrate " in line:
                break
        running.take_lock("somebody@elsewhere 1 - nonce")
        out, _ = child.communicate(timeout=PATIENCE)
    assert child.returncode == 5, out
    assert "LEASE_LOST" in out
    assert "somebody@elsewhere" in out
    assert running.traffic() == before
    refused = running.deploy(image)  # waits for the time of that lock, which nobody renews
    assert refused.code == 0, refused


def test_interrupt_rolls_back(running: CloudRunStage) -> None:
    before, image = running.traffic(), other(running)
    with running.deploying(image) as child:
        assert child.stdout
        for line in child.stdout:
            if " release " in line:
                break
        os.kill(child.pid, signal.SIGINT)
        out, _ = child.communicate(timeout=PATIENCE)
    assert child.returncode == 130, out
    assert running.traffic() == before
