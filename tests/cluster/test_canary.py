"""A canary through a real Gateway: a worse version is taken back at its first share, a good one is released."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import faults
from tests.support.load import Load
from tests.support.stage import Images, Stage, run, until

pytestmark = [pytest.mark.needs("gateway"), pytest.mark.alone]  # serves under load

GATEWAY = os.environ.get("TEST_GATEWAY", "")
KEYS = ("gateway.name=edge", "gateway.namespace=gateway", "gateway.canary_seconds=8")
SHARES = ("-e", "gateway.canary=[20, 60]")
# Two versions that share a busy machine differ by chance; the slow one is slower by far.
PATIENT = ("-e", "gateway.canary_slower=10")


@pytest.fixture(scope="module")
def faulty(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Images:
    faults.build(images, tmp_path_factory.mktemp)
    return images


@pytest.fixture(scope="module", params=["manifests", "helm"])
def routed(request: pytest.FixtureRequest, actor: Stage, charted: Path, faulty: Images) -> Iterator[Stage]:
    """Version v1 behind the Gateway."""
    if not GATEWAY:
        pytest.skip("no Gateway (TEST_GATEWAY)")
    with actor.fresh() as made:
        made.settings = (*made.settings, *KEYS, f"gateway.host={made.namespace}.example", f"driver={request.param}")
        made.project = charted if request.param == "helm" else made.project
        ended = made.deploy("v1", *SHARES)
        assert ended.code == 0, ended
        assert re.search(r"^ok +canary ", ended.out, re.M), "the first release has nothing to be compared with"
        yield made


def load(stage: Stage, rate: float = 100) -> Load:
    return Load(f"http://{GATEWAY}", rate, token=stage.token, host=f"{stage.namespace}.example")


def nothing_is_left(stage: Stage) -> None:
    left = run("kubectl", "-n", stage.namespace, "get", "deployments,services,networkpolicies", "-o", "name")
    assert "canary" not in left
    backends = stage.get("httproute", "shop")["spec"]["rules"][0]["backendRefs"]
    assert [backend["name"] for backend in backends] == ["shop"]


@pytest.mark.drill(minutes=4)
@pytest.mark.parametrize(("version", "figure"), [("erring", "5xx"), ("slow", "p95")])
def test_a_worse_version_is_taken_back_at_its_first_share(routed: Stage, version: str, figure: str) -> None:
    before = routed.image_of_deployment()
    with load(routed) as clients:
        ended = routed.deploy(version, *SHARES, *(PATIENT if version == "erring" else ()))
        until(lambda: clients.sent > 300, 60, "requests after the canary")
    print(f"{version}: {clients.sent} requests, failures {dict(clients.failures)}")
    assert ended.code == 3, ended
    assert "CANARY_WORSE: the new version was taken back at 20 % of the requests: " in ended.out
    assert figure in ended.out.split("CANARY_WORSE", 1)[1]
    assert routed.image_of_deployment() == before
    assert set(clients.failures) <= ({"status 500"} if version == "erring" else set())
    nothing_is_left(routed)


@pytest.mark.drill(minutes=2)
def test_a_canary_that_crashes_gets_no_request(routed: Stage) -> None:
    with load(routed) as clients:
        ended = routed.deploy_telling("cannot open the flux capacitor", "crash", *SHARES)
    assert ended.code == 3, ended
    assert not clients.failures
    nothing_is_left(routed)


@pytest.mark.drill(minutes=3)
def test_a_good_version_is_released(routed: Stage) -> None:
    with load(routed) as clients:
        ended = routed.deploy("v2", *SHARES, *PATIENT)
    print(f"good: {clients.sent} requests, failures {dict(clients.failures)}, slowest {clients.slowest:.2f} s")
    assert ended.code == 0, ended
    assert "passed 20 %, 60 %" in ended.out
    assert not clients.failures
    assert routed.image_of_deployment() == routed.images["v2"]
    nothing_is_left(routed)
    again = routed.deploy("v2", *SHARES)
    assert again.code == 0, again
    assert " changed=0 " in again.out


@pytest.mark.drill(minutes=3)
def test_the_canary_of_a_killed_deployer_is_removed(routed: Stage) -> None:
    with load(routed) as clients:
        with routed.deploying("v3", *SHARES):
            until(
                lambda: len(routed.get("httproute", "shop")["spec"]["rules"][0]["backendRefs"]) == 2,
                180,
                "a share for the canary",
            )
        ended = routed.deploy(routed.image_of_deployment(), *SHARES, "-e", "lease_seconds=4")
    assert ended.code == 0, ended
    assert "canary of a killed deployer: removed" in ended.out
    assert not clients.failures
    nothing_is_left(routed)


@pytest.mark.drill(minutes=2)
def test_control_without_a_canary_the_worse_version_is_released(routed: Stage) -> None:
    with load(routed) as clients:
        ended = routed.deploy("erring")
        until(lambda: clients.failures, 60, "a failed request")
    assert ended.code == 0, ended
    assert routed.image_of_deployment() == routed.images["erring"]
