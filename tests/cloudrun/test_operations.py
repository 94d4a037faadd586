"""Daily operations on a service that is released to Cloud Run."""

import json
import re

import pytest

from tests.support.cloudrun import DATABASE, CloudRunStage

pytestmark = pytest.mark.drill(minutes=1)

SHOW = "import os, sys; print(os.environ['IMAGE_DIGEST'], *sys.argv[1:]); sys.exit(7)"
# Kubelets that share a machine remove each other's logs once a minute.
TRIES = 3


def jobs(stage: CloudRunStage) -> list[str]:
    return stage.kubectl("get", "configmaps", "-l", "rig.test/kind=job", "-o", "name").split()


def annotation(stage: CloudRunStage, name: str) -> str:
    return str(stage.service()["spec"]["template"]["metadata"]["annotations"][f"autoscaling.knative.dev/{name}"])


def test_run_shows_the_lines_and_returns_the_exit_code(running: CloudRunStage) -> None:
    before = jobs(running)
    for _ in range(TRIES):
        ended = running.task("run", "--", "python", "-c", SHOW, "two words", "$HOME;")
        assert ended.code == 7, ended
        if ended.out:
            break
    assert ended.out == f"{running.images['v1']} two words $HOME;\n"
    assert jobs(running) == before


def test_run_without_a_release_or_with_a_command_that_cannot_start(
    running: CloudRunStage, actor: CloudRunStage
) -> None:
    with actor.fresh() as empty:
        refused = empty.task("run", "--", "true")
    assert refused.code == 6, refused
    assert "NOT_DEPLOYED" in refused.out
    before = jobs(running)
    unknown = running.task("run", "--", "no-such-program")
    assert unknown.code != 0, unknown
    assert jobs(running) == before


def test_restart_makes_new_instances_and_the_next_deploy_changes_nothing(running: CloudRunStage) -> None:
    before = running.service()["status"]["traffic"][0]["revisionName"]
    with running.load() as load:
        ended = running.task("restart", "--yes")
    assert ended.code == 0, ended
    assert not load.failures, f"{load.failures} of {load.sent}"
    assert running.service()["status"]["traffic"][0]["revisionName"] != before
    assert "changed=0" in running.deploy("v1").out


def test_a_new_secret_comes_with_a_restart(running: CloudRunStage) -> None:
    stored = running.task("secrets.set", "DATABASE_URL", stdin=DATABASE)
    assert stored.code == 0, stored
    assert DATABASE not in stored.out
    ended = running.task("restart", "--yes")
    assert ended.code == 0, ended
    variables = running.service()["spec"]["template"]["spec"]["containers"][0]["env"]
    (reference,) = [item["valueFrom"]["secretKeyRef"] for item in variables if "valueFrom" in item]
    assert reference == {"name": "database", "key": "2"}
    before = running.service()["status"]["traffic"]
    assert running.deploy("v1").code == 0
    assert running.service()["status"]["traffic"] == before


def test_restart_that_fails_is_taken_back(running: CloudRunStage) -> None:
    """A restart takes the newest secret, with which no instance becomes ready here."""
    before = running.traffic()
    wrong = DATABASE.replace("@sql:5432/", "@sql:1/")
    assert running.task("secrets.set", "DATABASE_URL", stdin=wrong).code == 0
    newest = max(json.loads(running.kubectl("get", "secret", "database", "-o", "json"))["data"], key=int)
    try:
        with running.load(rate=30, threads=2) as load:
            ended = running.task("restart", "--yes", "-e", "rollout_seconds=60")
        assert ended.code == 3, ended
        assert "NOT_READY" in ended.out
        assert running.traffic() == before
        assert not load.failures, f"{load.failures} of {load.sent}"
    finally:
        patch = json.dumps([{"op": "remove", "path": f"/data/{newest}"}])
        running.kubectl("patch", "secret", "database", "--type=json", "-p", patch)
    assert "changed=0" in running.deploy("v1").out


def test_doctor_names_what_is_missing(running: CloudRunStage) -> None:
    """Control: without these keys, it finds nothing."""
    for keys, expected in (
        (("secret={store: google, keys: {DATABASE_URL: nothing}}",), "gcloud secrets create"),
        (("project=no-such-project",), "SECRET_NOT_FOUND"),
        (("image=sha256:" + "0" * 64,), "IMG_NOT_FOUND"),
    ):
        shown = running.task("doctor", *(part for key in keys for part in ("-e", key)))
        assert shown.code == 6, shown
        assert expected in shown.out, shown
    assert running.task("doctor").code == 0


def test_scale_until_the_next_deploy(running: CloudRunStage) -> None:
    ended = running.task("scale", "2", "--yes")
    assert ended.code == 0, ended
    assert "the next deploy sets again" in ended.out
    assert annotation(running, "minScale") == "2"
    assert running.deploy("v1").code == 0
    assert annotation(running, "minScale") == "1"


def test_shell_and_connect_name_the_way(running: CloudRunStage) -> None:
    refused = running.task("connect", "db")
    assert refused.code == 6, refused
    assert "NOT_SUPPORTED" in refused.out
    assert "cloud-sql-proxy" in refused.out


def test_scheduled_process_is_a_job_of_the_release(running: CloudRunStage) -> None:
    keys = ("-e", 'processes.clean={command: [python, -c, "print(1)"], schedule: "0 3 * * *"}')
    ended = running.deploy("v1", *keys)
    assert ended.code == 0, ended
    assert "create Job shop-clean" in ended.out
    assert running.images["v1"] in running.kubectl("get", "configmap", "run-job-shop-clean", "-o", "yaml")
    assert "changed=0" in running.deploy("v1", *keys).out
    shown = running.task("status", *keys)
    assert re.search(r"process +clean +0 3 \* \* \*, not started yet", shown.out), shown
    gone = running.deploy("v1")
    assert gone.code == 0, gone
    assert "delete Job shop-clean" in gone.out
    assert not [name for name in jobs(running) if "clean" in name]


def test_remove_deletes_the_service_and_its_jobs(actor: CloudRunStage) -> None:
    with actor.fresh() as stage:
        assert stage.deploy("v1").code == 0
        kept = stage.task("remove", "--yes", "production")
        assert kept.code == 6, kept
        ended = stage.task("remove", "--yes", "staging")
        assert ended.code == 0, ended
        assert jobs(stage) == []
        assert "shop" not in stage.kubectl("get", "ksvc", "-o", "name")
        assert stage.history() == []
