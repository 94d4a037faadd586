"""`kill -9` of the deployer at every step, and at random moments: the next deploy converges."""

import os
import random
import signal
import time

import pytest

from tests.support.cloudrun import CloudRunStage

pytestmark = pytest.mark.alone  # serves under load

STEPS = ("preflight", "image", "config", "migrate", "release", "rollout", "smoke", "record")


def other(stage: CloudRunStage) -> str:
    """Name of the version that is not served."""
    return "v2" if stage.served() == stage.images["v1"] else "v1"


def converges(stage: CloudRunStage, image: str) -> None:
    """The same deploy after a kill."""
    ended = stage.deploy(image)
    print(f"{image} again: {ended}")
    assert ended.code == 0, ended
    assert stage.traffic() == {stage.images[image]: 100}
    assert stage.history()[-1]["digest"] == stage.images[image]
    assert "changed=0" in stage.deploy(image).out


@pytest.mark.drill(minutes=8)
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_each_step(running: CloudRunStage, step: str) -> None:
    """At the first line of the step; requests are answered all the time."""
    image = other(running)
    with running.load(rate=30, threads=2) as load:
        with running.deploying(image) as child:
            assert child.stdout
            seen = []
            for line in child.stdout:
                seen.append(line)
                if f" {step} " in line:
                    break
            else:
                raise AssertionError("".join(seen))
            os.killpg(child.pid, signal.SIGKILL)
        converges(running, image)
    assert not load.failures, f"{load.failures} of {load.sent}"


@pytest.mark.drill(minutes=6)
@pytest.mark.parametrize("turn", range(6))
def test_killed_at_a_random_moment(running: CloudRunStage, turn: int) -> None:
    """From its first change on."""
    image, seconds = other(running), random.Random(turn).uniform(0, 14)  # noqa: S311 - no secret
    with running.load(rate=40, threads=4) as load:
        with running.deploying(image) as child:
            assert child.stdout
            for line in child.stdout:
                if " migrate " in line:
                    break
            time.sleep(seconds)
            os.killpg(child.pid, signal.SIGKILL)
        print(f"killed after {seconds:.1f} s, {running.traffic()}")
        converges(running, image)
    print(f"{load.sent} requests, slowest {load.slowest:.1f} s")
    assert not load.failures, f"{load.failures} of {load.sent}"
