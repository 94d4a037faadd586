"""An API server that fails for a while: the deploy takes longer, and finishes."""

import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.faulty_api import FaultyApi, by_chance
from tests.support.stage import Ended, Stage, until

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: faulty, cluster: {server: "SERVER"}}]
users: [{name: nobody, user: {}}]
contexts: [{name: faulty, context: {cluster: faulty, user: nobody}}]
current-context: faulty
"""


@pytest.fixture
def upstream(cluster: None) -> Iterator[int]:
    """`kubectl proxy`: plain HTTP with the caller's own credentials."""
    command = ["kubectl", "proxy", "--port=0", "--reject-methods=^$", "--reject-paths=^$"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        found = re.search(r":(\d+)", child.stdout.readline())
        assert found
        yield int(found[1])
        child.terminate()


def through(stage: Stage, api: FaultyApi, folder: Path, *arguments: str, image: str) -> Ended:
    """A deploy whose cluster is behind the faulty server."""
    (folder / "kubeconfig").write_text(KUBECONFIG.replace("SERVER", api.url))
    given = ("-e", f"server={api.url}", *arguments)
    return stage.deploy(image, *given, KUBECONFIG=str(folder / "kubeconfig"))


def heal(api: FaultyApi) -> None:
    """After 30 s and a dozen faults: a slow machine makes fewer calls in that time."""
    time.sleep(30)
    until(lambda: sum(api.faults.values()) > 10, 600, "a dozen faults")
    api.failing = False


@pytest.mark.drill
def test_a_third_of_the_calls_fail_for_30_seconds(running: Stage, upstream: int, tmp_path: Path) -> None:
    with FaultyApi(upstream, by_chance(0.3)) as api:
        threading.Thread(target=heal, args=(api,), daemon=True).start()
        ended = through(running, api, tmp_path, image="v2")
    print(f"{dict(api.faults)} in {ended.seconds:.1f} s")
    assert ended.code == 0, ended
    assert sum(api.faults.values()) > 10
    assert running.image_of_deployment() == running.images["v2"]
    assert len([record for record in running.history() if record["digest"] == running.images["v2"]]) == 1
    assert not running.get("leases")["items"]


@pytest.mark.drill
def test_a_lost_response_is_not_mistaken_for_another_deploy(running: Stage, upstream: int, tmp_path: Path) -> None:
    """The answers to the record and to each renewal of the lock are lost, and discovery shows nothing twice."""
    calls: Counter[tuple[str, str]] = Counter()

    def choose(method: str, path: str) -> str:
        call = (method, path.rpartition("/")[2])
        calls[call] += 1
        if call == ("POST", "configmaps") and calls[call] == 1:
            return "lost"
        if call == ("PUT", "deploy-shop") and calls[call] % 2:
            return "lost"
        return "503" if path == "/apis/autoscaling/v2" and calls[call] <= 2 else ""

    before = running.history()
    with FaultyApi(upstream, choose) as api:
        ended = through(running, api, tmp_path, "-e", "lease_seconds=4", "-e", "settings.LOST=yes", image="v1")
    print(f"{dict(api.faults)} in {ended.seconds:.1f} s")
    assert ended.code == 0, ended
    assert api.faults["503"] == 2
    assert api.faults["lost"] >= 3
    assert len(running.history()) == len(before) + 1
    assert not running.get("leases")["items"]


@pytest.mark.drill
def test_control_a_server_that_never_heals_ends_it(running: Stage, upstream: int, tmp_path: Path) -> None:
    with FaultyApi(upstream, by_chance(1)) as api:
        ended = through(running, api, tmp_path, "-e", "api_patience_seconds=5", image="v1")
    assert ended.code == 6, ended
    assert "CLUSTER_UNREACHABLE" in ended.out
