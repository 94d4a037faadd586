"""Daily operations on ECS: run, restart, scale, auto scaling, secrets of a release, logs, status, doctor, remove."""

import json

import pytest

from tests.support.ecs import EcsStage

pytestmark = pytest.mark.drill(minutes=1)


def test_run_shows_each_line_and_passes_the_exit_code_on(running: EcsStage) -> None:
    ended = running.task("run", "--", "sh", "-c", "echo one; echo two; echo $IMAGE_DIGEST; exit 7")
    assert ended.code == 7, ended
    assert ended.out.split()[-3:] == ["one", "two", running.images["v1"]]
    assert running.task("run", "--", "alembic", "current").code == 0
    # The task is gone, and the service's own is the only one.
    assert len(running.tasks("")) == 1


def test_restart_replaces_the_tasks_under_load(running: EcsStage) -> None:
    before = running.tasks("")
    with running.load(rate=30, threads=2) as load:
        ended = running.task("restart", "--yes")
    assert ended.code == 0, ended
    assert not before & running.tasks("")
    assert not load.failures, load.failures
    assert "restarted" in running.task("history").out


def test_scale_runs_more_tasks_until_the_next_deploy(running: EcsStage) -> None:
    ended = running.task("scale", "2", "--yes")
    assert ended.code == 0, ended
    assert running.service()["desiredCount"] == 2
    assert len(running.tasks("")) == 2
    shown = json.loads(running.task("status", "--json").out)
    assert (shown["ready"], shown["desired"]) == (2, 2)
    assert running.deploy("v1").code == 0
    assert running.service()["desiredCount"] == 1


def test_number_of_auto_scaling_is_kept(running: EcsStage) -> None:
    """Without auto scaling the same deploy resets the number: see the test of scale above."""
    assert running.front
    assert running.aws
    running.front.control(autoscaled=True)
    try:
        # The scaler's own change.
        running.front_aws("ecs", "update_service", cluster=running.name, service=running.name, desiredCount=2)
        refused = running.task("scale", "3", "--yes")
        assert refused.code == 6, refused
        assert "AUTOSCALED" in refused.out
        ended = running.deploy("v2")
        assert ended.code == 0, ended
        assert running.service()["desiredCount"] == 2
        assert "desired count" not in ended.out
        assert "number is set by Application Auto Scaling" in running.task("doctor").out
        assert running.task("rollback").code == 0
        assert running.service()["desiredCount"] == 2
    finally:
        running.front.control(autoscaled=False)
    assert running.deploy("v1").code == 0
    assert running.service()["desiredCount"] == 1


def test_rollback_gets_the_secret_of_its_release(running: EcsStage) -> None:
    """A new value replaces the tasks at the next deploy; the one before it stays the one of its release."""
    assert running.aws
    secret = f"{running.name}/database"
    asked = ("run", "--", "sh", "-c", "echo ${DATABASE_URL#*sslmode=}")
    assert running.deploy("v1").code == 0
    before, tasks = running.service()["taskDefinition"], running.tasks("")
    renewed = json.dumps({"url": f"{running.database}?sslmode=prefer"})
    version = running.aws("secretsmanager", "put_secret_value", SecretId=secret, SecretString=renewed)["VersionId"]
    ended = running.deploy("v1")
    assert ended.code == 0, ended
    assert not tasks & running.tasks("")
    app = running.front_aws("ecs", "describe_task_definition", taskDefinition=running.service()["taskDefinition"])
    (reference,) = app["taskDefinition"]["containerDefinitions"][0]["secrets"]
    assert reference["valueFrom"].endswith(f":url::{version}")
    assert running.task(*asked).out.split()[-1] == "prefer"
    back = running.task("rollback")
    assert back.code == 0, back
    assert running.service()["taskDefinition"] == before
    assert running.task(*asked).out.split()[-1] != "prefer"
    # A restart takes the newest value, as everywhere.
    assert running.task("restart", "--yes").code == 0
    assert running.task(*asked).out.split()[-1] == "prefer"


def test_logs_status_and_doctor(running: EcsStage) -> None:
    (task,) = running.tasks("")
    lines = running.task("logs")
    assert f"{task.rpartition('/')[2]}  " in lines.out, lines
    assert '"event"' in lines.out
    assert task.rpartition("/")[2] in running.task("status").out
    checked = running.task("doctor")
    assert checked.code == 0, checked
    lost = running.task("doctor", "-e", "log_group=/elsewhere", "-e", "cluster=elsewhere")
    assert lost.code != 0, lost
    assert "CLUSTER_NOT_FOUND" in lost.out
    assert "LOG_GROUP_NOT_FOUND" in lost.out


@pytest.mark.parametrize(
    ("task", "code", "said"),
    [
        (("connect", "db"), "NOT_SUPPORTED", "run staging -- COMMAND"),
        (("secrets.set", "DATABASE_URL"), "SECRET_ELSEWHERE", "store a new value in aws: DATABASE_URL"),
        (("remove", "--database", "--yes", "staging"), "DATABASE_NOT_OURS", "--database"),
    ],
)
def test_what_the_toolkit_does_not_own_is_refused(
    running: EcsStage, task: tuple[str, ...], code: str, said: str
) -> None:
    before = running.writes()
    ended = running.task(*task, stdin="postgresql://shop:another-password@db/shop")
    assert ended.code == 6, ended
    assert code in ended.out
    assert said in ended.out
    assert "another-password" not in ended.out
    assert running.writes() == before


def test_remove_leaves_what_terraform_owns(running: EcsStage) -> None:
    """The last one: it removes what the others need."""
    assert running.aws
    refused = running.task("remove", "--yes", "production")
    assert refused.code == 6, refused
    assert running.service()["runningCount"] == 1
    ended = running.task("remove", "--yes", "staging")
    assert ended.code == 0, ended
    assert "terraform destroy" in ended.out
    live = running.service()
    assert (live["status"], live["desiredCount"], live["runningCount"]) == ("ACTIVE", 0, 0)
    assert running.history() == []
    assert running.served() == ""
    again = running.task("remove", "--yes", "staging")
    assert again.code == 0, again
    # It is an environment without a release now.
    assert running.deploy("v1").code == 0
    assert running.served() == running.images["v1"]
