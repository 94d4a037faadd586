"""`processes` of the inventory, with both drivers: watched, reported, undone and pruned with the release."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import PATIENCE
from tests.support.stage import Ended, Stage, until

pytestmark = pytest.mark.drill(minutes=2)

WORKS = ["sh", "-c", "trap 'exit 0' TERM; echo working; while :; do sleep 1; done"]
CRASHES = ["sh", "-c", "echo no queue >&2; exit 9"]
SMALL = {"cpu_request": "20m"}


def given(**processes: dict[str, Any]) -> tuple[str, str]:
    held = {name: {"resources": SMALL, **process} for name, process in processes.items()}
    return "-e", f"processes={json.dumps(held)}"


def both(command: list[str] = WORKS, nightly: str = "true") -> tuple[str, str]:
    return given(
        worker={"command": command, "grace_seconds": 5},
        nightly={"command": ["sh", "-c", f"echo counting; {nightly}"], "schedule": "0 3 1 1 *"},
    )


@pytest.fixture(scope="module", params=["manifests", "helm"])
def working(
    request: pytest.FixtureRequest, actor: Stage, charted: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    with actor.fresh() as fresh:
        stage = fresh if request.param == "manifests" else replace(fresh, project=charted)
        ended = stage.deploy("v1", *both())
        assert ended.code == 0, ended
        yield stage


def workers(stage: Stage) -> set[str]:
    found = stage.get("pods", "-l", "deploy/process=worker")["items"]
    return {pod["metadata"]["name"] for pod in found if not pod["metadata"].get("deletionTimestamp")}


def command_of(stage: Stage) -> list[str]:
    spec = stage.get("deployment", "shop-worker")["spec"]["template"]["spec"]
    return [*spec["containers"][0]["command"]]


def run_now(stage: Stage, name: str) -> None:
    """Start the scheduled command, as its schedule would."""
    stage.kubectl("create", "job", name, "--from=cronjob/shop-nightly")
    done = ("Complete", "Failed")

    def ended() -> bool:
        found = stage.get("job", name).get("status", {}).get("conditions") or ()
        return any(each["type"] in done and each["status"] == "True" for each in found)

    until(ended, PATIENCE, f"the end of {name}")


def status(stage: Stage, *arguments: str) -> Ended:
    return stage.task("status", *arguments)


def test_they_are_a_part_of_the_release(working: Stage) -> None:
    again = working.deploy("v1", *both())
    assert "changed=0" in again.out, again
    assert "worker 1/1 ready" in again.out
    shown = status(working)
    assert "process   nightly  `0 3 1 1 *` has not ended a run yet" in shown.out, shown
    assert "process   worker  1/1 ready" in shown.out
    # No request reaches a worker.
    (slice_,) = working.get("endpointslices", "-l", "kubernetes.io/service-name=shop")["items"]
    served = {endpoint["targetRef"]["name"] for endpoint in slice_["endpoints"]}
    assert served
    assert not served & workers(working)
    variables = working.kubectl("exec", "deployment/shop-worker", "--", "env")
    assert f"IMAGE_DIGEST={working.images['v1']}" in variables
    assert "DATABASE_URL=" in variables


def test_a_worker_that_crashes_takes_the_release_back(working: Stage) -> None:
    before, web = command_of(working), working.pods()
    crashed = working.deploy_telling("| no queue", "v1", *both(CRASHES))
    assert crashed.code == 3, crashed
    assert "CRASH_LOOP" in crashed.out
    assert "exit code 9" in crashed.out
    assert command_of(working) == before
    until(lambda: len(workers(working)) == 1, PATIENCE, "one worker")
    assert working.pods() == web
    assert "worker 1/1 ready" in working.deploy("v1", *both()).out


def test_a_new_version_replaces_both(working: Stage) -> None:
    before = workers(working)
    assert working.deploy("v2", *both()).code == 0
    assert not before & workers(working)
    pod = working.get("pods", "-l", "deploy/process=worker")["items"][0]
    assert pod["spec"]["terminationGracePeriodSeconds"] == 5
    back = working.task("rollback", "--yes", *both())
    assert back.code == 0, back
    image = working.get("deployment", "shop-worker")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image.endswith(working.images["v1"])
    assert working.deploy("v1", *both()).code == 0


def test_a_scheduled_command_that_fails_is_reported(working: Stage) -> None:
    run_now(working, "good")
    assert "nightly  `0 3 1 1 *` succeeded at" in status(working).out
    assert "nightly `0 3 1 1 *` succeeded" in working.task("doctor", *both()).out
    assert working.deploy("v1", *both(nightly="echo no rows; exit 4")).code == 0
    run_now(working, "bad")
    shown = status(working)
    assert "exit code 4: no rows" in shown.out, shown
    checked = working.task("doctor", *both())
    assert checked.code != 0
    assert "1 of 2 processes failed" in checked.out
    # A deploy leaves the runs to the CronJob, which owns them.
    assert working.deploy("v1", *both()).code == 0
    assert {item["metadata"]["name"] for item in working.get("jobs")["items"]} >= {"good", "bad"}


def test_operations_reach_them(working: Stage) -> None:
    before = workers(working)
    restarted = working.task("restart", *both())
    assert restarted.code == 0, restarted
    assert not before & workers(working)
    scaled = working.task("scale", "2", "--process", "worker", *both())
    assert scaled.code == 0, scaled
    assert len(workers(working)) == 2
    assert "`processes.worker.replicas: 1`" in scaled.out
    for name, code in (("other", "NO_SUCH_PROCESS"), ("nightly", "SCHEDULED")):
        refused = working.task("scale", "2", "--process", name, *both())
        assert refused.code == 6, refused
        assert code in refused.out
    assert working.deploy("v1", *both()).code == 0
    until(lambda: len(workers(working)) == 1, PATIENCE, "one worker")


def test_they_go_with_the_inventory(working: Stage) -> None:
    """The last one: it removes what the others need."""
    shown = working.task("deploy", "--check", image="v1")
    assert "delete Deployment/shop-worker" in shown.out, shown
    assert "delete CronJob/shop-nightly" in shown.out
    assert working.deploy("v1").code == 0
    assert not workers(working)
    assert not working.get("cronjobs")["items"]
    assert not [name for name in working.versions() if "worker" in name]


def test_a_template_that_was_removed_is_noticed(actor: Stage, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    shutil.copytree(actor.project, project, symlinks=True, ignore=shutil.ignore_patterns(".dev"))
    (project / "k8s" / "processes.yaml.j2").unlink()
    with actor.fresh() as stage:
        refused = replace(stage, project=project).deploy("v1", *both())
    assert refused.code == 6, refused
    assert "NO_PROCESS" in refused.out
