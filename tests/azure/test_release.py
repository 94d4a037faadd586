"""A release on Container Apps, from an empty resource group to its rollback."""

import json

import pytest

from tests.support.azure import APP, AzureStage, only

pytestmark = pytest.mark.drill(minutes=2)


def test_first_deploy_serves_and_the_second_writes_nothing(actor: AzureStage) -> None:
    with actor.fresh() as stage:
        ended = stage.deploy("v1")
        assert ended.code == 0, ended
        assert stage.traffic() == only(stage.digests["v1"])
        app = stage.azure.apps[APP]
        assert app["properties"]["configuration"]["activeRevisionsMode"] == "Multiple"
        (secret,) = app["properties"]["configuration"]["secrets"]
        assert secret["keyVaultUrl"] == f"https://shop-vault.vault.azure.net/secrets/database-url/{'a' * 32}"
        assert "value" not in json.dumps(app["properties"]["configuration"]["secrets"])
        stage.azure.writes.clear()
        again = stage.deploy("v1")
        assert again.code == 0, again
        assert "changed=0" in again.out
        assert stage.azure.writes == []


def test_check_changes_nothing_and_its_plan_is_what_a_deploy_does(running: AzureStage) -> None:
    running.azure.writes.clear()
    shown = running.task("deploy", "--check", "--diff", "--exit-code", image="v2")
    assert shown.code == 2, shown
    assert running.azure.writes == []
    planned = [
        line.split("release", 1)[1].strip() for line in shown.out.splitlines() if line.startswith("  plan     release")
    ]
    with running.clients() as seen:
        ended = running.deploy("v2")
    assert ended.code == 0, ended
    assert planned
    assert all(change in ended.out for change in planned), (planned, ended)
    assert running.traffic() == only(running.digests["v2"])
    assert set(seen) == {200}, seen


def test_rollback_shifts_the_requests_back(running: AzureStage) -> None:
    """Follows the deploy of v2 above: both revisions still run."""
    before = running.active()
    assert len(before) == 2
    running.azure.writes.clear()
    with running.clients() as seen:
        ended = running.task("rollback")
    assert ended.code == 0, ended
    assert running.traffic() == only(running.digests["v1"])
    assert running.azure.writes == ["PATCH containerApps/shop", "PUT records"]
    assert set(seen) == {200}, seen


def test_an_older_revision_is_ended_and_a_rollback_starts_it_again(running: AzureStage) -> None:
    running.add("v3")
    for image in ("v2", "v3"):
        ended = running.deploy(image)
        assert ended.code == 0, ended
    assert len(running.active()) == 2
    ended = running.task("rollback", "--to", "1")
    assert ended.code == 0, ended
    assert running.traffic() == only(running.digests["v1"])


def test_status_logs_and_doctor(running: AzureStage) -> None:
    shown = running.task("status", "--json")
    assert shown.code == 0, shown
    state = json.loads(shown.out)
    assert state["serves"] == running.digests["v1"]
    assert (state["ready"], state["desired"], state["old"]) == (1, 1, 0)
    logged = running.task("logs")
    assert "Started server process" in logged.out, logged
    checked = running.task("doctor")
    assert checked.code == 0, checked
    assert f"DATABASE_URL version {'a' * 32}" in checked.out


def test_throttled_api_only_takes_longer(running: AzureStage) -> None:
    running.azure.throttled = 5
    ended = running.deploy("v2")
    assert ended.code == 0, ended
    assert running.azure.throttled == 0
    assert running.traffic() == only(running.digests["v2"])


def test_what_others_set_on_the_app_stays(running: AzureStage) -> None:
    domain = {"name": "shop.example.com", "bindingType": "SniEnabled", "certificateId": "/certificate"}
    running.azure.apps[APP]["properties"]["configuration"]["ingress"]["customDomains"] = [domain]
    running.azure.apps[APP]["tags"]["team"] = "shop"
    ended = running.deploy("v1")
    assert ended.code == 0, ended
    app = running.azure.apps[APP]
    assert app["properties"]["configuration"]["ingress"]["customDomains"] == [domain]
    assert app["tags"]["team"] == "shop"
