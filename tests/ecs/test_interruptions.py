"""Deployers that are killed, two at once, throttled calls, and credentials that expire."""

import os
import signal

import pytest

from tests.support.ecs import EcsStage
from tests.support.running import PATIENCE

pytestmark = pytest.mark.drill(minutes=1)
STEPS = ("image", "config", "migrate", "release", "rollout", "smoke", "record")


def other(stage: EcsStage) -> str:
    """Name of the version that is not served."""
    return "v2" if stage.served() == stage.images["v1"] else "v1"


@pytest.mark.parametrize("step", STEPS)
def test_killed_deploy_converges(running: EcsStage, step: str) -> None:
    """At the line of each step; requests are answered all the time."""
    image, before = other(running), len(running.revisions())
    with running.load(rate=30, threads=2) as load:
        with running.deploying(image) as child:
            assert child.stdout
            for line in child.stdout:
                if f" {step} " in line:
                    break
            os.killpg(child.pid, signal.SIGKILL)
        ended = running.deploy(image)
    assert ended.code == 0, ended
    assert running.served() == running.images[image]
    assert not load.failures, load.failures
    assert "changed=0" in running.deploy(image).out
    # A definition that the killed deployer registered is used, not registered again.
    assert len(running.revisions()) <= before + 1


def test_one_of_two_deployers_wins(running: EcsStage) -> None:
    image = other(running)
    with running.deploying(image) as first:
        assert first.stdout
        for line in first.stdout:
            if " release " in line:
                break
        second = running.deploy(image)
        out, _ = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, out
    assert second.code in (0, 5), second
    if second.code == 5:
        assert "LOCKED" in second.out
        assert str(os.uname().nodename) in second.out
    assert running.served() == running.images[image]


def test_throttled_calls_are_repeated(running: EcsStage) -> None:
    assert running.front
    image, before = other(running), running.front.calls("throttled")
    running.front.control(throttle=0.15)
    try:
        ended = running.deploy(image)
    finally:
        running.front.control(throttle=0.0)
    assert ended.code == 0, ended
    assert running.front.calls("throttled") > before + 5
    assert running.served() == running.images[image]


def test_constant_throttling_is_named(running: EcsStage) -> None:
    assert running.front
    before = running.writes()
    running.front.control(throttle=1.0)
    try:
        ended = running.deploy(other(running))
    finally:
        running.front.control(throttle=0.0)
    assert ended.code == 70, ended
    assert "THROTTLED" in ended.out
    assert {**running.writes(), "s3:PUT": 0} == {**before, "s3:PUT": 0}


def test_expired_credentials_are_named(running: EcsStage) -> None:
    assert running.front
    running.front.control(expired=True)
    try:
        ended = running.deploy(other(running))
    finally:
        running.front.control(expired=False)
    assert ended.code == 6, ended
    assert "CREDENTIALS_EXPIRED" in ended.out
    assert "aws sso login" in ended.out


def test_credentials_that_expire_during_the_release(running: EcsStage) -> None:
    """Nothing can be taken back then, which the exit code says; the next deploy completes it."""
    assert running.front
    image = other(running)
    with running.deploying(image) as child:
        assert child.stdout
        for line in child.stdout:
            if " rollout " in line:
                break
        running.front.control(expired=True)
        out, _ = child.communicate(timeout=PATIENCE)
    running.front.control(expired=False)
    assert child.returncode == 4, out
    assert "CREDENTIALS_EXPIRED" in out
    ended = running.deploy(image)
    assert ended.code == 0, ended
    assert running.served() == running.images[image]


def test_interrupt_rolls_back(running: EcsStage) -> None:
    before, image = running.served(), other(running)
    with running.load(rate=30, threads=2) as load, running.deploying(image) as child:
        assert child.stdout
        for line in child.stdout:
            if " rollout " in line:
                break
        os.kill(child.pid, signal.SIGINT)
        out, _ = child.communicate(timeout=PATIENCE)
    assert child.returncode == 130, out
    assert running.served() == before
    assert not load.failures, load.failures
    assert running.deploy(image).code == 0
