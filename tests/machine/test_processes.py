"""`processes` of the inventory on a machine: watched, reported, undone and removed with the release."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.machines import MachineStage
from tests.support.running import PATIENCE
from tests.support.stage import until

pytestmark = pytest.mark.drill(minutes=2)

WORKS = ["sh", "-c", "trap 'exit 0' TERM; echo working; while :; do sleep 1; done"]
CRASHES = ["sh", "-c", "echo no queue >&2; exit 9"]
NIGHTLY = "0 3 1 1 *"


def given(**processes: dict[str, Any]) -> tuple[str, str]:
    return "-e", f"processes={json.dumps(processes)}"


def both(command: list[str] = WORKS, nightly: str = "true", schedule: str = NIGHTLY) -> tuple[str, str]:
    return given(
        worker={"command": command, "grace_seconds": 5},
        nightly={"command": ["sh", "-c", f"echo counting; {nightly}"], "schedule": schedule},
    )


@pytest.fixture(scope="module")
def working(actor: MachineStage) -> Iterator[MachineStage]:
    with actor.fresh() as stage:
        ended = stage.deploy("v1", *both())
        assert ended.code == 0, ended
        yield stage


def of(stage: MachineStage, process: str) -> set[str]:
    """Ids of the containers of a process that run."""
    labels = f"--filter label=deploy.project={stage.name} --filter label=deploy.process={process}"
    return set(stage.hosts[0].run(f"docker ps -q --no-trunc {labels}").split())


def show(stage: MachineStage, ids: set[str], form: str) -> str:
    (one,) = ids
    return stage.hosts[0].run(f"docker inspect -f '{form}' {one}").strip()


def test_they_are_a_part_of_the_release(working: MachineStage) -> None:
    again = working.deploy("v1", *both())
    assert "changed=0" in again.out, again
    assert "worker 1/1 ready" in again.out
    shown = working.task("status")
    assert f"process   nightly  `{NIGHTLY}` has not ended a run yet" in shown.out, shown
    assert "process   worker  1/1 ready" in shown.out
    variables = show(working, of(working, "worker"), "{{json .Config.Env}}")
    assert f"IMAGE_DIGEST={working.images['v1']}" in variables
    assert "DATABASE_URL=" in variables
    # No request reaches a worker.
    networks = show(working, of(working, "worker"), "{{json .NetworkSettings.Networks}}")
    assert list(json.loads(networks)) == [working.name]


def test_a_worker_that_crashes_takes_the_release_back(working: MachineStage) -> None:
    before, served = of(working, "worker"), working.served()
    with working.load(rate=30, threads=2) as load:
        crashed = working.deploy("v2", *both(CRASHES))
    assert crashed.code == 3, crashed
    assert "CRASH_LOOP" in crashed.out
    assert "exit code 9" in crashed.out
    assert "| no queue" in crashed.out
    assert of(working, "worker") == before
    assert working.served() == served
    assert not load.failures
    assert "changed=0" in working.deploy("v1", *both()).out


def test_a_new_version_replaces_both_and_lets_the_old_worker_end(working: MachineStage) -> None:
    slow = ["sh", "-c", "trap 'sleep 3; touch /tmp/ended; exit 0' TERM; while :; do sleep 1; done"]
    assert working.deploy("v1", *both(slow)).code == 0
    before = of(working, "worker"), of(working, "nightly")
    watching = working.hosts[0].run(
        f"nohup docker wait {' '.join(before[0])} > /tmp/{working.name}-worker 2>&1 & echo started"
    )
    assert "started" in watching
    ended = working.deploy("v2", *both(slow))
    assert ended.code == 0, ended
    assert not before[0] & of(working, "worker")
    assert not before[1] & of(working, "nightly")
    assert working.hosts[0].run(f"cat /tmp/{working.name}-worker; rm /tmp/{working.name}-worker").strip() == "0"
    image = show(working, of(working, "worker"), "{{.Config.Image}}")
    assert image.endswith(working.images["v2"])
    back = working.task("rollback", *both())
    assert back.code == 0, back
    assert show(working, of(working, "worker"), "{{.Config.Image}}").endswith(working.images["v1"])
    assert working.deploy("v1", *both()).code == 0


def test_a_scheduled_command_that_fails_is_reported(working: MachineStage) -> None:
    each = "* * * * *"
    assert working.deploy("v1", *both(nightly="echo no rows; exit 4", schedule=each)).code == 0
    until(lambda: "exit code 4: no rows" in working.task("status").out, PATIENCE, "a failed run")
    checked = working.task("doctor", *both(nightly="echo no rows; exit 4", schedule=each))
    assert checked.code != 0, checked
    assert "1 of 2 processes failed" in checked.out
    # A new release keeps the report until the next run.
    assert working.deploy("v2", *both()).code == 0
    assert "exit code 4: no rows" in working.task("status").out
    assert len(of(working, "nightly")) == 1
    assert working.deploy("v1", *both(schedule=each)).code == 0
    until(lambda: f"`{each}` succeeded at" in working.task("status").out, PATIENCE, "a good run")


def test_a_deploy_leaves_a_run_to_its_end(working: MachineStage) -> None:
    long = both(nightly="while [ ! -e /tmp/go ]; do sleep 1; done; echo through", schedule="* * * * *")
    assert working.deploy("v1", *long).code == 0
    (old,) = of(working, "nightly")
    log = f"docker logs {old} 2>&1"
    until(lambda: "counting" in working.hosts[0].run(log).splitlines(), PATIENCE, "a run")
    ended = working.deploy("v2", *both())
    assert ended.code == 0, ended
    assert len(of(working, "nightly")) == 2  # the new scheduler beside the old run
    working.hosts[0].run(f"docker exec {old} touch /tmp/go")
    until(lambda: old not in of(working, "nightly"), PATIENCE, "its end")
    assert '"last": "through"' in working.hosts[0].run(log)
    assert working.deploy("v1", *both()).code == 0
    assert old not in working.hosts[0].run("docker ps -aq --no-trunc")


def test_operations_reach_them(working: MachineStage) -> None:
    before = of(working, "worker")
    restarted = working.task("restart", "--yes", *both())
    assert restarted.code == 0, restarted
    assert not before & of(working, "worker")
    scaled = working.task("scale", "2", "--yes", "--process", "worker", *both())
    assert scaled.code == 0, scaled
    assert len(of(working, "worker")) == 2
    assert "`processes.worker.replicas: 1`" in scaled.out
    # The other number stays.
    assert working.task("scale", "2", "--yes", *both()).code == 0
    assert len(of(working, "worker")) == 2
    for name, code in (("other", "NO_SUCH_PROCESS"), ("nightly", "SCHEDULED")):
        refused = working.task("scale", "2", "--yes", "--process", name, *both())
        assert refused.code == 6, refused
        assert code in refused.out
    assert working.deploy("v1", *both()).code == 0
    assert len(of(working, "worker")) == 1


def test_an_impossible_schedule_is_refused(working: MachineStage) -> None:
    refused = working.deploy("v1", *both(schedule="61 * * * *"))
    assert refused.code == 6, refused
    assert "processes.nightly.schedule: '61 * * * *': minute '61'" in refused.out


def test_they_go_with_the_inventory(working: MachineStage) -> None:
    """The last one: it removes what the others need."""
    shown = working.task("deploy", "--check", image="v1")
    assert f"stop container {working.name}-worker" in shown.out, shown
    assert working.deploy("v1").code == 0
    assert not [name for name in working.containers() if name.startswith(("worker", "nightly"))]
