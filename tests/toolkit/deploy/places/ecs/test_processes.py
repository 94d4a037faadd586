"""Workers and scheduled commands on ECS: their definitions, schedules and changes."""

import subprocess
import sys
from dataclasses import replace

import pytest

from tests.toolkit.deploy.places.ecs.test_definition import ARN, GOOD, LIVE, environment, spec
from toolkit.deploy.inventory.eventbridge import expression
from toolkit.deploy.places.ecs import definition, limited, plan, processes, schedules
from toolkit.deploy.places.ecs.plan import Wanted
from toolkit.deploy.places.ecs.values import Container, Schedule, Service, Task

ROLE = "arn:aws:iam::123456789012:role/scheduler"
GIVEN = {
    "worker": {"command": ["work", "hard"], "replicas": 2, "grace_seconds": 90},
    "nightly": {"command": ["count"], "schedule": "0 3 * * *", "limit_seconds": 60},
}


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("0 3 * * *", "cron(0 3 * * ? *)"),
        ("* * * * *", "cron(* * * * ? *)"),
        ("*/20 8-10 * * mon-fri", "cron(0,20,40 8,9,10 ? * MON,TUE,WED,THU,FRI *)"),
        ("5 0 1,15 jan *", "cron(5 0 1,15 1 ? *)"),
        ("0 0 * * 7", "cron(0 0 ? * SUN *)"),
        ("@daily", "cron(0 0 * * ? *)"),
    ],
)
def test_schedules_of_crontab_in_the_words_of_eventbridge(schedule: str, expected: str) -> None:
    assert expression(schedule) == expected


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("0 3 1 * 1", "a day or a weekday"),
        ("61 * * * *", "minute '61'"),
        ("1-59 1-23 2-30 * *", "256 are allowed"),
    ],
)
def test_what_eventbridge_cannot_say_is_refused(schedule: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        expression(schedule)


def test_process_is_the_service_without_a_port() -> None:
    keys = {"processes": GIVEN, "scheduler_role": ROLE}
    env, release, values = environment(**keys), spec(**keys), {"DATABASE_URL": ARN}
    worker, web = (definition.render_process(release, env, values, "worker"), definition.render(release, env, values))
    mine, other = definition.app_of(worker), definition.app_of(web)
    assert (worker["family"], mine["command"], mine["stopTimeout"]) == ("shop-worker", ["work", "hard"], 90)
    assert {key: mine[key] for key in ("image", "environment", "secrets")} == {
        key: other[key] for key in ("image", "environment", "secrets")
    }
    assert not {"portMappings", "healthCheck"} & mine.keys()
    assert mine["logConfiguration"]["options"]["awslogs-stream-prefix"] == "shop-worker"
    nightly = definition.app_of(definition.render_process(release, env, values, "nightly"))
    assert nightly["command"][0] == "python"
    assert nightly["command"][-2:] == ["60", "count"]


@pytest.mark.parametrize(
    ("script", "limit", "code"), [("exit 4", 60, 4), ("sleep 1000", 1, 124), ("kill -9 $$", 60, 137)]
)
def test_time_limit_of_a_command(script: str, limit: int, code: int) -> None:
    given = [sys.executable, *limited.command(limit, ["sh", "-c", script])[1:]]
    assert subprocess.run(given, check=False, timeout=60).returncode == code


def test_record_keeps_each_part() -> None:
    parts = [Wanted({"a": 1}, 2, "arn:1"), Wanted({}, 1, "", "worker"), Wanted({}, 1, "", "nightly", "0 3 * * *")]
    assert [part.kind for part in parts] == ["service", "worker", "scheduled"]
    assert [plan.from_kept(part.kept()) for part in parts] == parts
    assert parts[0].kept() == {"kind": "service", "definition": {"a": 1}, "replicas": 2, "revision": "arn:1"}


@pytest.mark.parametrize(
    ("live", "wanted", "expected"),
    [
        (None, Wanted({}, 2, "arn:1", "worker"), ["create service shop-worker"]),
        (LIVE, Wanted({}, 2, "arn:1", "worker"), []),
        (LIVE, Wanted({}, 2, "arn:2", "worker"), ["update service shop"]),
        (LIVE, None, ["delete service shop-worker"]),
        (None, None, []),
    ],
)
def test_changes_of_a_worker(live: Service | None, wanted: Wanted | None, expected: list[str]) -> None:
    found = plan.changes_of_worker("shop-worker", live, wanted)
    assert [f"{change.action} {change.what}" for change in found] == expected


def test_changes_of_a_schedule() -> None:
    service = replace(LIVE, cluster="arn:cluster", launch={"launchType": "FARGATE"}, configuration=GOOD)
    network = {"awsvpcConfiguration": {"subnets": ["s"], "securityGroups": [], "assignPublicIp": "DISABLED"}}
    wanted = Wanted({}, 1, "arn:1", "nightly", "0 3 * * *")
    made = schedules.wanted_schedule(wanted, service, network, ROLE)
    assert made.parameters == {
        "TaskDefinitionArn": "arn:1",
        "TaskCount": 1,
        "PropagateTags": "TASK_DEFINITION",
        "LaunchType": "FARGATE",
        "NetworkConfiguration": {"awsvpcConfiguration": {"Subnets": ["s"], "AssignPublicIp": "DISABLED"}},
    }
    other = replace(made, expression="cron(0 4 * * ? *)")
    table: list[tuple[Schedule | None, Schedule | None, list[str]]] = [
        (None, made, ["create"]),
        (made, made, []),
        (other, made, ["update"]),
        (replace(made, enabled=False), made, ["update"]),
        (made, None, ["delete"]),
    ]
    for live, target, expected in table:
        assert [change.action for change in plan.changes_of_schedule("shop-nightly", live, target)] == expected


def run(code: int | None, ended: str, reason: str = "") -> Task:
    containers = (Container("app", code, ""),)
    return Task(f"arn:task/{ended}", "arn:1", "", "STOPPED", "", reason, "", containers, "", ended)


def test_last_run_is_reported() -> None:
    runs = [run(0, "2026-01-02"), run(4, "2026-01-03"), run(0, "2026-01-01")]
    last = processes.newest(runs)
    assert last is runs[1]
    assert processes.newest([]) is None
    said = processes.outcome_of("nightly", "0 3 * * *", last, "no rows")
    assert (said.ok, said.summary) == (False, "`0 3 * * *` failed at 2026-01-03, exit code 4: no rows")
    good = processes.outcome_of("nightly", "0 3 * * *", runs[0], "counted")
    assert (good.ok, good.summary) == (True, "`0 3 * * *` succeeded at 2026-01-02")
    lost = processes.outcome_of("nightly", "0 3 * * *", run(None, "x", "CannotPullContainerError"), "")
    assert lost.summary.endswith("failed at x, CannotPullContainerError")
