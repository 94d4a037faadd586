"""`kill -9` of the deployer at every step, before every change, and at random moments: the next deploy converges."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.support.cloudrun import CloudRunStage
from tests.support.revised_images import checkout, revision

pytestmark = pytest.mark.alone  # serves under load

STEPS = ("preflight", "image", "config", "migrate", "release", "rollout", "smoke", "record")
# A copy of the toolkit whose process ends itself, as if by `kill -9`, before the change with this number.
VARIABLE = "KILLED_BEFORE"
KILLED = f"""        self.count += 1
        import os

        if self.count == int(os.environ.get("{VARIABLE}") or 0):
            os.kill(os.getpid(), 9)
"""
MOST = 20  # changes of one deploy


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


@pytest.mark.drill(minutes=1)
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
def test_killed_before_each_change(actor: CloudRunStage, tmp_path: Path) -> None:
    """Each version has a revision of the schema, so that the migration is one of the changes."""
    with actor.fresh() as fresh:
        stage = checkout(fresh, tmp_path)
        path = stage.project / "toolkit" / "deploy" / "places" / "changes.py"
        before = path.read_text()
        path.write_text(before.replace("        self.count += 1\n", KILLED))
        assert path.read_text() != before
        first = stage.deploy("v1")
        assert first.code == 0, first
        with stage.load(rate=30, threads=2) as load:
            for number in range(1, MOST):
                column = f'sa.Column("colour_{number}", sa.Text(), nullable=True)'
                image = revision(stage, f"aa{number:02}", f'op.add_column("product", {column})')
                killed = stage.deploy(image, **{VARIABLE: str(number)})
                if killed.code == 0:
                    break
                assert killed.code == -signal.SIGKILL, killed
                print(f"before change {number}: {killed.out.splitlines()[-1]}, {stage.traffic()}")
                converges(stage, image)
        print(f"{number - 1} changes, {load.sent} requests, failures {dict(load.failures)}")
        assert 4 < number < MOST
        assert not load.failures, f"{load.failures} of {load.sent}"


@pytest.mark.drill(minutes=1)
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


@pytest.mark.drill(minutes=1)
def test_control_a_deploy_that_is_not_repeated_stays_unfinished(running: CloudRunStage) -> None:
    """The kill comes before the end: nothing but the next deploy completes the release."""
    image = other(running)
    with running.deploying(image) as child:
        assert child.stdout
        for line in child.stdout:
            if " release " in line:
                break
        os.killpg(child.pid, signal.SIGKILL)
    time.sleep(20)  # the platform may still make the revision, and gives it no request
    assert running.traffic().get(running.images[image], 0) == 0
    assert running.task("doctor").code in (0, 6)
    converges(running, image)
