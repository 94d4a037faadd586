"""`processes` of the inventory on ECS: workers are services, scheduled commands schedules of EventBridge."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.ecs import EcsStage
from tests.support.running import PATIENCE
from tests.support.stage import until

pytestmark = pytest.mark.drill(minutes=1)

WORKS = ["sh", "-c", "trap 'exit 0' TERM; echo working; while :; do sleep 1; done"]
CRASHES = ["sh", "-c", "echo no queue >&2; exit 9"]
NIGHTLY = "0 3 * * mon-fri"


def given(**processes: dict[str, Any]) -> tuple[str, str]:
    return "-e", f"processes={json.dumps(processes)}"


def both(command: list[str] = WORKS, nightly: str = "true", schedule: str = NIGHTLY) -> tuple[str, str]:
    return given(
        worker={"command": command, "grace_seconds": 5},
        nightly={"command": ["sh", "-c", f"echo counting; {nightly}"], "schedule": schedule, "limit_seconds": 60},
    )


@pytest.fixture(scope="module")
def working(actor: EcsStage) -> Iterator[EcsStage]:
    with actor.fresh() as stage:
        ended = stage.deploy("v1", *both())
        assert ended.code == 0, ended
        yield stage


def of(stage: EcsStage, process: str) -> Any:
    """Definition of the tasks of a process."""
    if process == "nightly":
        assert stage.aws
        target = stage.aws("scheduler", "get_schedule", Name=f"{stage.name}-nightly")["Target"]
        return stage.definition(target["EcsParameters"]["TaskDefinitionArn"])
    return stage.definition(stage.service(process)["taskDefinition"])


def digest(definition: Any) -> str:
    return str(definition["containerDefinitions"][0]["image"].partition("@")[2])


def test_they_are_a_part_of_the_release(working: EcsStage) -> None:
    before = working.writes()
    again = working.deploy("v1", *both())
    assert "changed=0" in again.out, again
    assert "worker 1/1 ready" in again.out
    assert working.writes() == before
    live = working.service("worker")
    assert (live["desiredCount"], live["runningCount"], live["loadBalancers"]) == (1, 1, [])
    definition = of(working, "worker")
    assert digest(definition) == working.images["v1"]
    assert [item["name"] for item in definition["containerDefinitions"][0]["secrets"]] == ["DATABASE_URL"]
    assert working.aws
    schedule = working.aws("scheduler", "get_schedule", Name=f"{working.name}-nightly")
    assert schedule["ScheduleExpression"] == "cron(0 3 ? * MON,TUE,WED,THU,FRI *)"
    assert digest(of(working, "nightly")) == working.images["v1"]
    shown = working.task("status", *both())
    assert "process   worker  1/1 ready" in shown.out, shown
    assert f"process   nightly  `{NIGHTLY}` has not ended a run" in shown.out


def test_a_worker_that_crashes_takes_the_release_back(working: EcsStage) -> None:
    before, served = of(working, "worker"), working.served()
    with working.load(rate=30, threads=2) as load:
        crashed = working.deploy("v2", *both(CRASHES))
    assert crashed.code == 3, crashed
    for text in ("CRASH_LOOP", "process worker", "exit code 9", "| no queue"):
        assert text in crashed.out, crashed
    assert of(working, "worker")["taskDefinitionArn"] == before["taskDefinitionArn"]
    assert working.service("worker")["runningCount"] == 1
    assert digest(of(working, "nightly")) == working.images["v1"]
    assert working.served() == served
    assert not load.failures, load.failures
    assert "changed=0" in working.deploy("v1", *both()).out


def test_a_new_version_replaces_both_and_a_rollback_brings_them_back(working: EcsStage) -> None:
    ended = working.deploy("v2", *both())
    assert ended.code == 0, ended
    assert {digest(of(working, name)) for name in ("worker", "nightly")} == {working.images["v2"]}
    back = working.task("rollback", *both())
    assert back.code == 0, back
    assert {digest(of(working, name)) for name in ("worker", "nightly")} == {working.images["v1"]}
    assert working.service("worker")["runningCount"] == 1


def test_a_scheduled_command_that_fails_is_reported(working: EcsStage) -> None:
    assert working.front
    failing, good = both(nightly="echo no rows; exit 4"), both()
    assert working.deploy("v1", *failing).code == 0
    working.front.control(fire=f"{working.name}-nightly")
    until(lambda: "exit code 4: no rows" in working.task("status", *failing).out, PATIENCE, "a failed run")
    checked = working.task("doctor", *failing)
    assert checked.code != 0, checked
    assert "1 of 2 processes failed" in checked.out
    assert working.deploy("v1", *good).code == 0
    working.front.control(fire=f"{working.name}-nightly")
    until(lambda: f"`{NIGHTLY}` succeeded at" in working.task("status", *good).out, PATIENCE, "a good run")


def test_operations_reach_them(working: EcsStage) -> None:
    before = working.tasks("worker")
    restarted = working.task("restart", "--yes", *both())
    assert restarted.code == 0, restarted
    assert not before & working.tasks("worker")
    scaled = working.task("scale", "2", "--yes", "--process", "worker", *both())
    assert scaled.code == 0, scaled
    assert len(working.tasks("worker")) == 2
    assert "`processes.worker.replicas: 1`" in scaled.out
    for name, code in (("other", "NO_SUCH_PROCESS"), ("nightly", "SCHEDULED")):
        refused = working.task("scale", "2", "--yes", "--process", name, *both())
        assert refused.code == 6, refused
        assert code in refused.out
    assert working.deploy("v1", *both()).code == 0
    assert len(working.tasks("worker")) == 1


def test_an_impossible_schedule_is_refused(working: EcsStage) -> None:
    refused = working.deploy("v1", *both(schedule="0 3 1 * mon"))
    assert refused.code == 6, refused
    assert "processes.nightly.schedule: '0 3 1 * mon': EventBridge takes a day or a weekday" in refused.out


def test_they_go_with_the_inventory(working: EcsStage) -> None:
    """The last one: it removes what the others need."""
    shown = working.task("deploy", "--check", image="v1")
    assert f"delete service {working.name}-worker" in shown.out, shown
    assert f"delete schedule {working.name}-nightly" in shown.out
    assert working.deploy("v1").code == 0
    assert not working.tasks("worker")
    assert working.aws
    assert working.aws("scheduler", "list_schedules", NamePrefix=working.name)["Schedules"] == []
    assert "changed=0" in working.deploy("v1").out
