"""Daily operations on a service that is released to Container Apps."""

import pytest

from tests.support.azure import APP, SECRET, AzureStage, only

pytestmark = pytest.mark.drill(minutes=2)

VALUE = "postgresql://shop:a-value-of-this-test@db/shop"


def scale(stage: AzureStage) -> int:
    (shown,) = stage.azure.apps[APP]["properties"]["configuration"]["ingress"]["traffic"]
    return int(stage.azure.revisions[APP][shown["revisionName"]].template["scale"]["minReplicas"])


def test_run_shows_the_lines_and_returns_the_exit_code(running: AzureStage) -> None:
    before = list(running.azure.jobs)
    ended = running.task("run", "--", "exit", "7")
    assert ended.code == 7, ended
    assert "Started server process" in ended.out
    assert list(running.azure.jobs) == before


def test_restart_makes_new_replicas_and_the_next_deploy_changes_nothing(running: AzureStage) -> None:
    (name,) = running.active()
    began = running.azure.revisions[APP][name].began
    ended = running.task("restart", "--yes")
    assert ended.code == 0, ended
    assert running.azure.revisions[APP][name].began > began
    assert "changed=0" in running.deploy("v1").out


def test_scale_until_the_next_deploy(running: AzureStage) -> None:
    before = scale(running)
    ended = running.task("scale", str(before + 1), "--yes")
    assert ended.code == 0, ended
    assert scale(running) == before + 1
    assert running.deploy("v1").code == 0
    assert scale(running) == before


def test_a_new_secret_comes_with_a_restart_and_a_rollback_brings_the_old_one(running: AzureStage) -> None:
    stored = running.task("secrets.set", "DATABASE_URL", stdin=VALUE)
    assert stored.code == 0, stored
    assert VALUE not in stored.out
    assert len(running.azure.secrets[SECRET]) == 2
    ended = running.deploy("v1")
    assert ended.code == 0, ended
    secrets = running.azure.apps[APP]["properties"]["configuration"]["secrets"]
    assert [item["keyVaultUrl"].rpartition("/")[2] for item in secrets] == running.azure.secrets[SECRET]
    back = running.task("rollback")
    assert back.code == 0, back
    assert running.traffic() == only(running.digests["v1"])


def test_remove_deletes_the_app_and_its_jobs(actor: AzureStage) -> None:
    with actor.fresh() as stage:
        assert stage.deploy("v1").code == 0
        kept = stage.task("remove", "--yes", "production")
        assert kept.code == 6, kept
        ended = stage.task("remove", "--yes", "staging")
        assert ended.code == 0, ended
        assert (stage.azure.apps, stage.azure.jobs) == ({}, {})
        assert stage.history() == []
