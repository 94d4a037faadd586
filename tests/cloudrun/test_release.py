"""A release on Cloud Run, from an empty project to its rollback."""

import json
import os
import re
import shutil
import subprocess

import pytest

from tests.support.cloudrun import DATABASE, ENDPOINT, CloudRunStage

pytestmark = pytest.mark.drill(minutes=1)


def test_first_deploy_serves(actor: CloudRunStage) -> None:
    with actor.fresh() as stage:
        assert stage.served() == ""
        ended = stage.deploy("v1")
        assert ended.code == 0, ended
        assert stage.served() == stage.images["v1"]
        assert stage.traffic() == {stage.images["v1"]: 100}
        # No value of a secret is in an output, in the service or in the Job with the history.
        written = stage.kubectl("get", "ksvc,configmaps", "-o", "json")
        assert DATABASE not in ended.out + written
        assert "s3cret" not in json.dumps(stage.history()) + written


def test_second_deploy_changes_nothing(running: CloudRunStage) -> None:
    before = running.versions()
    ended = running.deploy("v1")
    assert ended.code == 0, ended
    assert "changed=0" in ended.out
    assert running.versions() == before


def test_check_changes_nothing_and_its_plan_is_what_a_deploy_does(running: CloudRunStage) -> None:
    before = running.versions()
    shown = running.task("deploy", "--check", "--diff", "--exit-code", image="v2")
    assert shown.code == 2, shown
    assert running.versions() == before
    assert "s3cret" not in shown.out
    planned = [
        line.split("release", 1)[1].strip() for line in shown.out.splitlines() if line.startswith("  plan     release")
    ]
    with running.load() as load:
        ended = running.deploy("v2")
    assert ended.code == 0, ended
    assert planned
    assert all(change in ended.out for change in planned), (planned, ended)
    assert running.traffic() == {running.images["v2"]: 100}
    assert load.sent > 300
    assert not load.failures, f"{load.failures} of {load.sent}"


def test_rollback_shifts_the_requests_back(running: CloudRunStage) -> None:
    """Follows the deploy of v2 above."""
    revisions = running.kubectl("get", "revisions.serving.knative.dev", "-o", "name").split()
    with running.load() as load:
        ended = running.task("rollback")
    assert ended.code == 0, ended
    assert running.served() == running.images["v1"]
    assert running.kubectl("get", "revisions.serving.knative.dev", "-o", "name").split() == revisions
    assert not load.failures, f"{load.failures} of {load.sent}"


def test_status_logs_and_doctor(running: CloudRunStage) -> None:
    shown = running.task("status", "--json")
    assert shown.code == 0, shown
    state = json.loads(shown.out)
    assert state["serves"] == running.images["v1"]
    assert (state["ready"], state["desired"], state["old"]) == (1, 1, 0)
    checked = running.task("doctor")
    assert checked.code == 0, checked
    assert "DATABASE_URL version 1" in checked.out


def test_logs_of_a_new_instance(running: CloudRunStage) -> None:
    """Kubelets that share a machine remove each other's logs once a minute: then the next instance has some."""
    for _ in range(3):
        ended = running.task("restart", "--yes")
        assert ended.code == 0, ended
        logged = running.logs()
        assert logged.code == 0, logged
        if re.search(r"^shop-[-0-9a-f]+  .*Started server process", logged.out, re.M):
            break
    else:
        raise AssertionError(logged)
    assert "changed=0" in running.deploy("v1").out


@pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not installed")
def test_gcloud_agrees_with_status(running: CloudRunStage) -> None:
    address, _, port = ENDPOINT.removeprefix("http://").partition(":")
    variables = {
        "CLOUDSDK_PROXY_TYPE": "http",
        "CLOUDSDK_PROXY_ADDRESS": address,
        "CLOUDSDK_PROXY_PORT": port,
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN": "http://run.test/",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER": "http://run.test/",
        "CLOUDSDK_AUTH_ACCESS_TOKEN": "fake",
        "NO_GCE_CHECK": "true",
    }
    command = ["gcloud", "run", "services", "describe", "shop", "--project", running.name, "--region", "europe-west1"]
    done = subprocess.run(
        [*command, "--format", "json"], env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    described = json.loads(done.stdout)
    state = json.loads(running.task("status", "--json").out)
    told = {f"{item['revisionName']} {item.get('percent', 0)} %" for item in described["status"]["traffic"]}
    assert told == {pod["name"] for pod in state["pods"]}


BY_HAND = [
    {"op": "remove", "path": "/spec/template/metadata/name"},
    {
        "op": "add",
        "path": "/spec/template/spec/containers/0/env/-",
        "value": {"name": "VARIABLE_OF_ADA", "value": "typed-by-hand"},
    },
]


def test_diff_shows_no_value_that_the_inventory_does_not_have(running: CloudRunStage) -> None:
    """Comes last, because it is one more release. Control: a value of the inventory is shown."""
    running.kubectl("patch", "ksvc", "shop", "--type=json", "-p", json.dumps(BY_HAND))
    try:
        shown = running.task("deploy", "--check", "--diff", "-e", "settings.LOG_LEVEL=WARNING", image="v1")
        assert shown.code == 0, shown
        assert '"name": "VARIABLE_OF_ADA"' in shown.out
        assert "typed-by-hand" not in shown.out
        assert '"value": "WARNING"' in shown.out
        assert "s3cret" not in shown.out
    finally:
        ended = running.deploy("v1")
    assert ended.code == 0, ended
    assert "typed-by-hand" not in ended.out + running.kubectl("get", "ksvc", "shop", "-o", "json")
    assert running.traffic() == {running.images["v1"]: 100}
