"""Ctrl-C and SIGTERM in the roll-out: taken back. `kill -9` at any moment: the next run converges."""

import os
import random
import signal
import time

import pytest

from tests.support.stage import Ended, Stage, until

pytestmark = pytest.mark.drill


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_rollout(running: Stage, number: int, code: int) -> None:
    before = running.image_of_deployment()
    with running.deploying("deaf") as child:
        until(lambda: running.image_of_deployment() == running.images["deaf"], 120, "the release applied")
        began = time.monotonic()
        os.killpg(child.pid, number)
        out, _ = child.communicate(timeout=300)
        spent = time.monotonic() - began
    print(f"undone in {spent:.1f} s")
    assert child.returncode == code, out
    assert running.image_of_deployment() == before
    assert running.http("/health")["image_digest"] == before
    assert not running.get("leases")["items"]


def test_a_signal_on_the_way_back_does_not_stop_it(running: Stage) -> None:
    before = running.image_of_deployment()
    with running.deploying("crash") as child:
        assert child.stdout
        told = next(line for line in child.stdout if line.startswith("failed "))
        os.killpg(child.pid, signal.SIGINT)
        out, _ = child.communicate(timeout=300)
    assert "CRASH_LOOP" in told
    assert "Rolling back." in out, out
    assert child.returncode == 3, out
    assert running.image_of_deployment() == before
    assert running.history()[-1]["outcome"] == "rolled_back"
    assert not running.get("leases")["items"]


def test_control_a_killed_deploy_is_not_rolled_back(running: Stage) -> None:
    """The same moment, and no handler can run: the bad version stays until the next deploy."""
    before = running.image_of_deployment()
    with running.deploying("deaf") as child:
        until(lambda: running.image_of_deployment() == running.images["deaf"], 120, "the release applied")
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert running.image_of_deployment() == running.images["deaf"]
    assert running.get("leases")["items"]
    assert running.http("/health")["image_digest"] == before  # the old pods still serve
    repeated = running.deploy("v2" if before == running.images["v1"] else "v1")
    assert repeated.code == 0, repeated
    assert not running.get("leases")["items"]


def converged(stage: Stage, ended: Ended, image: str) -> None:
    """A plain run after a kill: it succeeded, its version runs and answers, and nobody holds the lock."""
    assert ended.code == 0, ended
    assert stage.image_of_deployment() == stage.images[image]
    assert stage.http("/health")["image_digest"] == stage.images[image]
    assert not stage.get("leases")["items"]


# Where nobody may miss a request, a drain that outlasts a slow endpoint controller beside other tests.
DRAINED = ("-e", "drain_seconds=8")


@pytest.fixture(scope="module")
def drained(running: Stage) -> Stage:
    assert running.deploy("v1", *DRAINED).code == 0
    return running


STEPS = ("preflight", "image", "config", "migrate", "release", "rollout", "smoke", "record")


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_a_step(drained: Stage, step: str) -> None:
    """As soon as the step's line is out, which is before the next one. Nobody who calls meanwhile notices."""
    image = "v2" if drained.image_of_deployment() == drained.images["v1"] else "v1"
    change = ("-e", f"settings.KILLED_AFTER={step}", *DRAINED)  # a new ConfigMap, too
    with drained.load(rate=30, threads=2) as load:
        with drained.deploying(image, *change) as child:
            assert child.stdout
            for line in child.stdout:
                if line.split()[:2] in (["ok", step], ["changed", step]):
                    break
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
        ended = drained.deploy(image, *change)
    converged(drained, ended, image)
    assert not load.failures
    again = drained.task("deploy", "--check", "--exit-code", *change, image=image)
    assert again.code == 0, again


@pytest.mark.drill(minutes=6)
def test_killed_at_random_moments(drained: Stage) -> None:
    seed = int.from_bytes(os.urandom(4))
    chance = random.Random(seed)  # noqa: S311 - no secret
    print(f"seed {seed}")
    with drained.load(rate=30, threads=2) as load:
        for turn in range(20):
            image, change = ("v2", "v3", "v1")[turn % 3], ("-e", f"annotations={{turn: 't{turn}'}}", *DRAINED)
            with drained.deploying(image, *change) as child:
                time.sleep(chance.uniform(0.3, 9))
                os.kill(child.pid, signal.SIGKILL)
                child.wait()
            ended = drained.deploy(image, *change)
            converged(drained, ended, image)
            assert all(job["status"].get("succeeded") for job in drained.get("jobs")["items"])
    print(f"{load.sent} requests, failures {dict(load.failures)}")
    assert not load.failures
