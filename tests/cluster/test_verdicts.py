"""An image or a cluster that fails: the right code in its time, the pods before untouched, the release taken back."""

import re

import pytest

from tests.support.stage import Stage, until

# A quota that lets the running pods be, and no surge. An absurd request, that no node has.
QUOTA = """
apiVersion: v1
kind: ResourceQuota
metadata: {name: tight}
spec: {hard: {requests.memory: REQUESTED}}
"""


def fails(stage: Stage, image: str, *arguments: str, telling: str = "") -> str:
    """Deploy what fails; the output. The pods that ran before still run and serve, and the objects are back."""
    pods, image_before = stage.pods(), stage.image_of_deployment()
    ended = stage.deploy_telling(telling, image, *arguments)
    print(f"{image} {' '.join(arguments)}: {ended.seconds:.1f} s")
    assert ended.code == 3, ended
    assert stage.image_of_deployment() == image_before
    assert pods <= stage.pods(), "the pods before were touched"
    assert stage.http("/health")["image_digest"] == image_before
    assert stage.history()[-1]["outcome"] == "rolled_back"
    assert "evidence: " in ended.out
    return ended.out


def rollout_seconds(out: str) -> float:
    found = re.search(r"failed +rollout .*\((\d+\.\d) s\)", out)
    assert found, out
    return float(found[1])


def test_crash_at_start(running: Stage) -> None:
    out = fails(running, "crash", telling="| cannot open the flux capacitor")
    assert "CRASH_LOOP" in out
    assert "exit code 17" in out
    assert rollout_seconds(out) <= 30
    print(f"verdict after {rollout_seconds(out)} s")


@pytest.mark.drill
def test_out_of_memory(running: Stage) -> None:
    out = fails(running, "greedy")
    assert "OUT_OF_MEMORY" in out
    assert "memory_limit" in out
    assert rollout_seconds(out) <= 30


@pytest.mark.drill
def test_never_ready(running: Stage) -> None:
    out = fails(running, "unready", "-e", "rollout_seconds=20")
    assert "NOT_READY" in out
    assert "statuscode: 503" in out  # what the probe said


@pytest.mark.drill
def test_never_started(running: Stage) -> None:
    out = fails(running, "deaf", "-e", "rollout_seconds=12", telling="| up but deaf")
    assert "NOT_READY" in out


@pytest.mark.drill
def test_killed_by_its_probe(running: Stage) -> None:
    out = fails(running, "deaf", "-e", "probes.startup_threshold=3")
    assert "CRASH_LOOP" in out
    assert "restarting the container: Startup probe failed" in out


@pytest.mark.drill
def test_unschedulable(running: Stage) -> None:
    out = fails(running, "v2", "-e", "resources.cpu_request=900", "-e", "graces.unschedulable=5")
    assert "UNSCHEDULABLE" in out
    assert "Insufficient cpu" in out


def test_quota_too_small(running: Stage) -> None:
    used = len(running.pods()) * 128
    running.kubectl("apply", "-f", "-", stdin=QUOTA.replace("REQUESTED", f"{used + 20}Mi"))
    until(lambda: running.get("resourcequota", "tight").get("status", {}).get("hard"), 120, "the quota counted")
    try:
        told = running.task("doctor")
        assert told.code == 6
        assert "quota tight: requests.memory" in told.out
        before = running.versions()
        refused = running.deploy("v2")
        assert refused.code == 6, refused
        assert "QUOTA" in refused.out
        assert running.versions() == before
    finally:
        running.kubectl("delete", "resourcequota", "tight")


@pytest.mark.parametrize("image", ["v2"])
@pytest.mark.drill
def test_control_a_good_image_passes(running: Stage, image: str) -> None:
    ended = running.deploy(image)
    assert ended.code == 0, ended
    assert running.deploy("v1").code == 0
