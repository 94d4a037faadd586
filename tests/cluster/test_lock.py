"""One deployer at a time, whatever happens to the one that has the lock."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.stage import Stage, run, until

# The label makes each deploy a real change, and a slow one.
SLOW = ("-e", "hold_seconds=12")


def holder(stage: Stage) -> str:
    found = json.loads(stage.kubectl("get", "leases", "-o", "json"))["items"]
    return found[0]["spec"]["holderIdentity"] if found else ""


def other(stage: Stage) -> str:
    """A version that does not run now."""
    return "v2" if stage.image_of_deployment() == stage.images["v1"] else "v1"


def lines_of(child: object) -> str:
    out, _ = child.communicate(timeout=600)  # type: ignore[attr-defined]
    return out


@pytest.mark.parametrize(
    "offset", [0.0, *(pytest.param(number / 18, marks=pytest.mark.drill) for number in range(1, 10))]
)
def test_two_at_once(running: Stage, offset: float) -> None:
    fast = ("-e", "lease_seconds=8", "-e", f"annotations={{offset: 'o{offset}'}}")
    with running.deploying("v2", *fast, *SLOW) as one:
        time.sleep(offset)
        with running.deploying("v2", *fast, *SLOW) as two:
            outs = [lines_of(one), lines_of(two)]
            codes = [one.returncode, two.returncode]
    assert sorted(codes) == [0, 5], outs
    loser = outs[codes.index(5)]
    assert "LOCKED" in loser
    winner = (one, two)[codes.index(0)]
    assert f" {winner.pid} " in loser  # the holder by its pid
    assert holder(running) == ""


UNLOCKED = """
import runpy, sys
sys.path.insert(0, ".")
from toolkit.deploy.places.kubernetes import place

class Lease:
    def __init__(self, *_): pass
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def hold(self): pass

place.Lease = Lease
runpy.run_path("tasks.py", run_name="__main__")
"""


@pytest.mark.drill
def test_control_without_the_lock_two_deploys_run(running: Stage, tmp_path: Path) -> None:
    """The same two, with a lock that lets everybody in."""
    script = tmp_path / "unlocked.py"
    script.write_text(UNLOCKED)
    python, _, *arguments = running.command("deploy", "--yes", "-e", "annotations={lock: none}", image=other(running))
    both = [
        subprocess.Popen(
            [python, str(script), *arguments],
            cwd=running.project,
            env=running.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    outs = [lines_of(child) for child in both]
    assert 5 not in [child.returncode for child in both], outs
    assert not any("LOCKED" in out for out in outs)
    assert all("changed    " in out for out in outs), outs
    repeated = running.deploy("v1")
    assert repeated.code == 0, repeated


@pytest.mark.drill
def test_a_paused_deployer_stops_before_its_next_change(running: Stage) -> None:
    image = other(running)
    with running.deploying(image, "-e", "lease_seconds=4", *SLOW) as paused:
        until(lambda: running.image_of_deployment() == running.images[image], 120, "the release applied")
        os.kill(paused.pid, signal.SIGSTOP)
        time.sleep(5)
        ended = running.deploy("v3", "-e", "lease_seconds=4", "-e", "hold_seconds=3")
        assert ended.code == 0, ended
        before = running.versions()
        os.kill(paused.pid, signal.SIGCONT)
        out = lines_of(paused)
    assert paused.returncode == 5, out
    assert "LEASE_LOST" in out
    assert running.versions() == before
    assert running.image_of_deployment() == running.images["v3"]


# The lock is deleted after each look at it, as by another deployer that had taken it and is through.
DELETED = """
import json, sys
from pathlib import Path
from toolkit.deploy.inventory import load as inventory
from toolkit.deploy.places.kubernetes.connect import connect
from toolkit.deploy.places.kubernetes.lock import API, Lease
from toolkit.deploy.outcomes import Failed
cluster = connect(inventory.load(Path.cwd(), "staging", json.loads(sys.argv[1]), {}))
with Lease(cluster, "probe", 60) as lease:
    look = lease.cluster.get
    def look_and_lose(*asked):
        found = look(*asked)
        cluster.delete(API, "Lease", "deploy-probe")
        return found
    lease.cluster.get, lease._renewed = look_and_lose, 0.0
    try:
        lease.hold()
    except Failed as error:
        print(error.failure.code)
print(cluster.get(API, "Lease", "deploy-probe"))
"""


def test_a_lock_that_is_gone_is_not_made_again_by_a_renewal(running: Stage) -> None:
    """The API server would: a Lease is created by an update."""
    settings = [f"namespace={running.namespace}", f"server={running.server}"]
    python = str(running.project / ".venv" / "bin" / "python")
    assert run(python, "-c", DELETED, json.dumps(settings), cwd=running.project).split() == ["LEASE_LOST", "None"]


@pytest.mark.drill
def test_a_killed_deployer_is_replaced_at_once(running: Stage) -> None:
    image = other(running)
    with running.deploying(image, "-e", "lease_seconds=3600", *SLOW) as killed:
        until(lambda: holder(running), 120, "the lock taken")
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
    assert holder(running)
    ended = running.deploy(image)
    print(f"after a kill: {ended.seconds:.1f} s")
    assert ended.code == 0, ended
    assert ended.seconds < 600  # the lease itself has the rest of an hour left
    assert holder(running) == ""
