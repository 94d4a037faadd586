"""`kill -9` of the deployer before every change that it makes, and at random moments: the next deploy converges."""

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.support.machines import MachineStage

pytestmark = pytest.mark.alone  # serves under load

# A copy of the toolkit whose process ends itself, as if by `kill -9`, before the change with this number.
VARIABLE = "KILLED_BEFORE"
KILLED = f"""        self.count += 1
        import os

        if self.count == int(os.environ.get("{VARIABLE}") or 0):
            os.kill(os.getpid(), 9)
"""
MOST = 40  # changes of one deploy
EXTRA = ("-e", "secret={from_env: [DATABASE_URL, TURN]}")


def converged(stage: MachineStage, image: str, *arguments: str, **variables: str) -> None:
    """The same deploy after a kill."""
    ended = stage.deploy(image, *arguments, **variables)
    assert ended.code == 0, ended
    assert stage.served() == stage.images[image]
    states = stage.containers()
    assert Counter(states.values())["running"] == 2, states  # the proxy and one instance
    assert "migrate" not in states


def recorded(stage: MachineStage, image: str, *arguments: str, **variables: str) -> None:
    """The release is the last on record, and nothing is left to do."""
    assert stage.history()[-1]["digest"] == stage.images[image]
    again = stage.deploy(image, *arguments, **variables)
    assert "changed=0" in again.out, again


@pytest.mark.drill(minutes=8)
def test_killed_before_each_change(running: MachineStage, tmp_path: Path) -> None:
    stage = running.copy(tmp_path)
    path = stage.project / "toolkit" / "deploy" / "places" / "changes.py"
    before = path.read_text()
    path.write_text(before.replace("        self.count += 1\n", KILLED))
    assert path.read_text() != before
    left = Counter[tuple[str, ...]]()
    with running.load(rate=30, threads=2) as load:
        for number in range(1, MOST):
            image = ("v2", "v1")[(number + 1) % 2]
            given = {"TURN": str(number)}  # a new file of secrets, too
            killed = stage.deploy(image, *EXTRA, **given, **{VARIABLE: str(number)})
            if killed.code == 0:
                break
            assert killed.code == -signal.SIGKILL, killed
            left[tuple(sorted(f"{name} {state}" for name, state in running.containers().items()))] += 1
            converged(running, image, *EXTRA, **given)
            recorded(running, image, *EXTRA, **given)
    print(f"{number - 1} changes, {load.sent} requests, failures {dict(load.failures)}, states {left}")
    assert 8 < number < MOST
    assert len(left) > 3  # the kills came at different states
    assert not load.failures


@pytest.mark.drill(minutes=8)
def test_killed_at_random_moments(running: MachineStage) -> None:
    seed = int.from_bytes(os.urandom(4))
    chance = random.Random(seed)  # noqa: S311 - no secret
    print(f"seed {seed}")
    unfinished = 0
    with running.load(rate=30, threads=2) as load:
        for turn in range(20):
            image = ("v2", "v3", "v1")[turn % 3]
            with running.deploying(image) as child:
                time.sleep(chance.uniform(0.5, 10))
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            unfinished += running.served() != running.images[image]
            converged(running, image)
    recorded(running, image)
    print(f"{load.sent} requests, failures {dict(load.failures)}, {unfinished} of 20 before the new version served")
    assert not load.failures
    assert unfinished
