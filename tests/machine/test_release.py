"""A release on a machine, from a bare project to its rollback."""

import json

import pytest

from tests.support.machines import MachineStage

pytestmark = pytest.mark.drill(minutes=3)


def test_first_deploy_serves_through_the_proxy(actor: MachineStage) -> None:
    with actor.fresh() as stage:
        assert stage.served() == ""
        ended = stage.deploy("v1")
        assert ended.code == 0, ended
        assert stage.served() == stage.images["v1"]
        assert stage.containers() == {"blue-1": "running", "proxy": "running"}
        # The values of secrets are in no output, and in no record.
        assert stage.database not in ended.out
        assert "s3cret" not in json.dumps(stage.history())
        mode = stage.hosts[0].run(f"stat -c %a /var/lib/deploy/{stage.name}/secrets/*").split()
        assert mode == ["600"]


def test_second_deploy_changes_nothing(running: MachineStage) -> None:
    before = started(running)
    ended = running.deploy("v1")
    assert ended.code == 0, ended
    assert "changed=0" in ended.out
    assert started(running) == before


def test_check_changes_nothing_and_its_plan_is_what_a_deploy_does(running: MachineStage) -> None:
    before = started(running)
    shown = running.task("deploy", "--check", "--diff", "--exit-code", image="v2")
    assert shown.code == 2, shown
    assert started(running) == before
    planned = [
        line.split("release", 1)[1].strip() for line in shown.out.splitlines() if line.startswith("  plan     release")
    ]
    ended = running.deploy("v2")
    assert ended.code == 0, ended
    assert planned
    assert all(change in ended.out for change in planned)
    assert running.served() == running.images["v2"]
    assert running.containers() == {"blue-1": "exited", "green-1": "running", "proxy": "running"}


def test_rollback_starts_the_kept_container(running: MachineStage) -> None:
    """Follows the deploy of v2 above."""
    kept = running.hosts[0].run(f"docker inspect -f '{{{{.Id}}}}' {running.name}-blue-1")
    ended = running.task("rollback")
    assert ended.code == 0, ended
    assert running.served() == running.images["v1"]
    assert running.hosts[0].run(f"docker inspect -f '{{{{.Id}}}}' {running.name}-blue-1") == kept


def test_status_logs_and_doctor(running: MachineStage) -> None:
    shown = running.task("status", "--json")
    assert shown.code == 0, shown
    state = json.loads(shown.out)
    assert state["serves"] == running.images["v1"]
    assert (state["ready"], state["desired"], state["old"]) == (1, 1, 0)
    checked = running.task("doctor")
    assert checked.code == 0, checked
    assert "is running" in checked.out


def started(stage: MachineStage) -> str:
    """Ids and times of every container of the project, and the files on the host."""
    script = (
        f"docker ps -aq --no-trunc --filter label=deploy.project={stage.name} | sort | "
        "xargs docker inspect -f '{{.Id}} {{.State.StartedAt}}'; "
        f"find /var/lib/deploy/{stage.name} -type f ! -name lock -printf '%p %T@\\n' | sort"
    )
    return stage.hosts[0].run(script)
