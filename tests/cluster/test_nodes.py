"""A node that is drained under load, and one that goes away in a roll-out."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.stage import Stage, run, until

pytestmark = pytest.mark.alone  # serves under load

# A program that takes the second node away and brings it back: `$TEST_NODE stop`, `$TEST_NODE start`.
SWITCH = os.environ.get("TEST_NODE_SWITCH", "").split()


def nodes() -> list[str]:
    return sorted(run("kubectl", "get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").split())


@pytest.fixture(scope="module")
def running(actor: Stage) -> Iterator[Stage]:
    """As everywhere, and the database is not on the node that goes away: a service without one proves nothing here."""
    others = nodes()[1:]
    with ExitStack() as made:
        with ExitStack() as cordoned:
            for name in others:
                run("kubectl", "cordon", name)
                cordoned.callback(run, "kubectl", "uncordon", name)
            stage = made.enter_context(actor.fresh())
        ended = stage.deploy("v1")
        assert ended.code == 0, ended
        yield stage


@pytest.fixture
def second_node(running: Stage) -> Iterator[str]:
    """A node without the database, that may be cordoned; uncordoned afterwards."""
    others = nodes()[1:]
    if not others:
        pytest.skip("a cluster of one node")
    yield others[0]
    run("kubectl", "uncordon", others[0])


@pytest.mark.drill(minutes=2)
def test_a_node_drained_under_load(running: Stage, second_node: str) -> None:
    assert running.deploy("v2", "-e", "drain_seconds=8").code == 0
    with running.load(rate=60, threads=4) as load:
        running.kubectl("label", "pods", *running.pods(), f"stage={running.namespace}")
        assert second_node in running.nodes(), "no pod is where the drain will be"
        selector = f"--pod-selector=stage={running.namespace}"
        run("kubectl", "drain", second_node, selector, "--delete-emptydir-data", "--timeout=100s", seconds=120)
        until(lambda: running.deployment()["status"].get("readyReplicas") == 2, 120, "two pods ready again")
    print(f"{load.sent} requests, failures {dict(load.failures)}")
    assert not load.failures


@pytest.mark.drill(minutes=2)
def test_control_pods_that_go_without_a_drain_are_missed(running: Stage) -> None:
    """Without disruption budget, readiness and grace period, the same load sees errors (negative control)."""
    with running.load(rate=60, threads=4) as load:
        running.kubectl("delete", "pods", "-l", "app.kubernetes.io/name=shop", "--force", "--grace-period=0")
        until(lambda: load.failures, 120, "the load misses them")
        until(lambda: running.deployment()["status"].get("readyReplicas") == 2, 120, "two pods ready again")
    print(f"control: {load.sent} requests, failures {dict(load.failures)}")
    assert load.failures


def bring_back() -> None:
    """A kubelet that was started before its runtime answers ends at once, so the switch is turned until it holds."""
    for _ in range(6):
        subprocess.run([*SWITCH, "start"], check=False)
        try:
            until(lambda: "NotReady" not in run("kubectl", "get", "nodes"), 120, "the node back")
            return
        except AssertionError as late:
            print(f"{late}; started again")
    pytest.fail("the node did not come back, see the log of its kubelet")


@pytest.mark.drill(minutes=3)
@pytest.mark.skipif(not SWITCH, reason="TEST_NODE_SWITCH names no program that stops the second node")
def test_a_node_taken_away_in_the_rollout(running: Stage) -> None:
    """The deploy succeeds, or fails with the reason and rolls back; it never waits silently for a timeout."""
    with running.deploying("v3", "-e", "rollout_seconds=150") as child:
        until(lambda: running.image_of_deployment() == running.images["v3"], 120, "the release applied")
        subprocess.run([*SWITCH, "stop"], check=True)
        try:
            until(lambda: "NotReady" in run("kubectl", "get", "nodes"), 120, "the node missed")
            out, _ = child.communicate(timeout=350)
        finally:
            bring_back()
    print(out)
    assert child.returncode in (0, 3, 4), out
    if child.returncode:
        assert "next: " in out
    assert running.http("/health")["image_digest"] == running.image_of_deployment()
