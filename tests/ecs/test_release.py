"""A release on ECS, from a bare service to its rollback."""

import json

import pytest

from tests.support.ecs import PASSWORD, EcsStage

pytestmark = pytest.mark.drill(minutes=1)


def test_first_deploy_serves_through_the_load_balancer(actor: EcsStage) -> None:
    with actor.fresh() as stage:
        assert stage.served() == ""
        ended = stage.deploy("v1")
        assert ended.code == 0, ended
        assert stage.served() == stage.images["v1"]
        live = stage.service()
        assert (live["desiredCount"], live["runningCount"]) == (1, 1)
        breaker = live["deploymentConfiguration"]["deploymentCircuitBreaker"]
        assert (breaker["enable"], breaker["rollback"]) == (True, False)
        # The values of secrets are in no output, no record and no task definition.
        assert PASSWORD not in ended.out
        assert PASSWORD not in json.dumps(stage.history())
        assert stage.aws
        made = stage.aws("ecs", "describe_task_definition", taskDefinition=live["taskDefinition"])
        assert PASSWORD not in json.dumps(made)
        assert made["taskDefinition"]["containerDefinitions"][0]["secrets"][0]["name"] == "DATABASE_URL"


def test_second_deploy_writes_nothing(running: EcsStage) -> None:
    before, revisions = running.writes(), running.revisions()
    ended = running.deploy("v1")
    assert ended.code == 0, ended
    assert "changed=0" in ended.out
    assert running.writes() == before
    assert running.revisions() == revisions


def test_check_changes_nothing_and_its_plan_is_what_a_deploy_does(running: EcsStage) -> None:
    before = running.writes()
    shown = running.task("deploy", "--check", "--diff", "--exit-code", image="v2")
    assert shown.code == 2, shown
    assert running.writes() == before
    assert running.images["v2"] in shown.out  # the diff of the task definition
    assert PASSWORD not in shown.out
    planned = [
        line.split(name, 1)[1].strip()
        for line in shown.out.splitlines()
        for name in ("config", "release")
        if line.startswith(f"  plan     {name}")
    ]
    ended = running.deploy("v2")
    assert ended.code == 0, ended
    assert len(planned) == 2
    assert all(change.partition(" ")[2] in ended.out for change in planned)
    assert running.served() == running.images["v2"]


def test_code_change_under_load_fails_no_request(running: EcsStage) -> None:
    """Follows the deploy of v2 above."""
    with running.load() as load:
        ended = running.deploy("v3")
    assert ended.code == 0, ended
    assert running.served() == running.images["v3"]
    assert load.sent > 100
    assert not load.failures, (load.failures, load.sent)


def test_rollback_names_the_earlier_revision(running: EcsStage) -> None:
    """Follows the deploys of v2 and v3 above."""
    revisions = running.revisions()
    ended = running.task("rollback")
    assert ended.code == 0, ended
    assert running.served() == running.images["v2"]
    assert running.revisions() == revisions
    assert running.history()[-1]["rollback_of"] == 2


def test_status_logs_and_doctor(running: EcsStage) -> None:
    shown = running.task("status", "--json")
    assert shown.code == 0, shown
    state = json.loads(shown.out)
    assert state["serves"] == running.images["v2"]
    assert (state["ready"], state["desired"], state["old"]) == (1, 1, 0)
    lines = running.task("logs")
    assert '"event"' in lines.out, lines
    checked = running.task("doctor")
    assert checked.code == 0, checked
    assert "1 of 1 tasks run" in checked.out
