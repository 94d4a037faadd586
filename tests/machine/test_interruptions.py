"""Deployers that are interrupted, and two at once."""

import os
import signal

import pytest

from tests.support.machines import MachineStage
from tests.support.running import PATIENCE
from tests.support.stage import until

pytestmark = pytest.mark.drill(minutes=6)


def other(stage: MachineStage) -> str:
    """Name of the version that is not served."""
    return "v2" if stage.served() == stage.images["v1"] else "v1"


def test_one_of_two_deployers_wins(running: MachineStage) -> None:
    image = other(running)
    with running.deploying(image) as first:
        assert first.stdout
        for line in first.stdout:
            if " migrate " in line:
                break
        second = running.deploy(image)
        first.communicate(timeout=PATIENCE)
    assert first.returncode == 0
    assert second.code in (0, 5), second
    if second.code == 5:
        assert "LOCKED" in second.out
        assert str(os.uname().nodename) in second.out
    assert running.served() == running.images[image]


def test_lock_of_another_deployer_is_respected(running: MachineStage) -> None:
    folder = f"/var/lib/deploy/{running.name}"
    held = f"flock -n {folder}/lock sh -c 'printf somebody > {folder}/holder; sleep 40'"
    running.hosts[0].run(f"nohup {held} >/dev/null 2>&1 & sleep 1")
    ended = running.deploy(other(running))
    assert ended.code == 5, ended
    assert "another deploy is running: somebody" in ended.out
    until(lambda: "free" in running.hosts[0].run(f"flock -n {folder}/lock echo free || true"), PATIENCE, "the lock")
    assert running.deploy(other(running)).code == 0


def test_interrupt_rolls_back(running: MachineStage) -> None:
    before, image = running.served(), other(running)
    with running.deploying(image) as child:
        assert child.stdout
        for line in child.stdout:
            if " release " in line:
                break
        os.kill(child.pid, signal.SIGINT)
        out, _ = child.communicate(timeout=PATIENCE)
    assert child.returncode == 130, out
    assert running.served() == before
