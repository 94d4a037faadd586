"""The helm driver, where its mechanism is its own: objects, no-op, diff, kill, rollback, a pending release."""

import base64
import gzip
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.support.stage import Stage, run, until

# A driver's objects for each list of settings, as JSON, rendered by the service's own code.
RENDER = """
import json, sys
from pathlib import Path
from toolkit.deploy.inventory import load as inventory
from toolkit.deploy.places.kubernetes.drivers import driver_of
from toolkit.deploy.spec import ReleaseSpec
project = Path.cwd()
def render(settings):
    environment = inventory.load(project, "staging", settings, {})
    secrets = {"DATABASE_URL": "x"} if environment.secret.from_env else {}
    replicas = None if environment.autoscale else environment.replicas
    release = ReleaseSpec("shop", environment, "sha256:" + "a" * 64, secrets, replicas, "mark-of-sources")
    return driver_of(environment, project).render(project, release)
print(json.dumps([render(settings) for settings in json.loads(sys.argv[1])]))
"""
SETTINGS = [
    [],
    ["autoscale={min: 2, max: 5, cpu_percent: 60}", "settings.LOG_LEVEL=DEBUG"],
    ["replicas=1", "network_policy.enabled=false", "drain_seconds=3"],
    ["secret={from_env: [DATABASE_URL]}", "service_type=NodePort", "node_port=30123"],
    ["secret={external: {store: vault, keys: {DATABASE_URL: a/b}}}", "network_policy.from_namespaces=[web]"],
    ["secret={external: {store: aws, keys: {DATABASE_URL: 'a/b#url', KEY: c}, versions: {KEY: uuid/1}, refresh: 5m}}"],
    ["ingress={host: a.example.com, tls_secret: t, class_name: nginx}", "resources.cpu_limit=500m", "pull_secrets=[r]"],
    ["gateway={name: edge, host: a.example.com}", "port=8080"],
    ["gateway={name: edge, namespace: web, section: tls, host: a.b, path: /shop, annotations: {h: i}, canary: [5]}"],
    ["labels={team: shop, cost/centre: '42'}", "annotations={a/b: c}", "service_annotations={d: e}"],
    ["service_account_annotations={f: g}", "ingress={host: a.example.com, annotations: {h: i}}", "priority_class=high"],
    ["node_selector={kubernetes.io/arch: amd64}", "tolerations=[{key: gpu, operator: Exists}]", "topology_spread=[]"],
    [
        "affinity={nodeAffinity: {}}",
        "topology_spread=[{maxSkew: 2, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]",
    ],
    [
        "env_from=[{configMapRef: {name: shared}}]",
        "volumes=[{name: ca, configMap: {name: ca}}]",
        "volume_mounts=[{name: ca, mountPath: /etc/ca, readOnly: true}]",
    ],
    ["sidecars=[{name: proxy, image: 'proxy:1', args: ['--port', '5432'], resources: {requests: {cpu: 10m}}}]"],
    ["settings.METRICS_PORT=9100", "service_type=NodePort", "network_policy.from_namespaces=[web]"],
    ["processes={worker: {command: [python, -m, app.worker]}}", "tolerations=[{key: gpu, operator: Exists}]"],
    [
        "processes={a: {command: [a, 'b: {}'], replicas: 2, resources: {memory_limit: 1Gi}, grace_seconds: 90},"
        " b: {command: [b], schedule: '*/5 * * * *', limit_seconds: 60, resources: {cpu_limit: '1'}}}",
        "sidecars=[{name: proxy, image: 'proxy:1'}]",
        "labels={team: shop}",
        "annotations={a/b: c}",
        "env_from=[{configMapRef: {name: shared}}]",
    ],
    ["settings.METRICS_PORT=9100", "network_policy={metrics_from_namespaces: [monitoring, '123']}", "namespace='123'"],
]


@pytest.fixture(scope="module")
def released(actor: Stage, charted: Path) -> Iterator[Stage]:
    """The same images, released by the chart."""
    with replace(actor, project=charted).fresh() as made:
        ended = made.deploy("v1")
        assert ended.code == 0, ended
        yield made


def revisions(stage: Stage) -> list[tuple[int, str]]:
    found = json.loads(run("helm", "history", "shop", "-n", stage.namespace, "-o", "json"))
    return [(item["revision"], item["status"]) for item in found]


def rendered(project: Path) -> list[dict[str, object]]:
    """The objects by kind and name, for each of SETTINGS."""
    python = str(project / ".venv" / "bin" / "python")
    told = run(python, "-c", RENDER, json.dumps(SETTINGS), cwd=project)
    return [{f"{item['kind']}/{item['metadata']['name']}": item for item in items} for items in json.loads(told)]


def test_both_drivers_render_the_same_objects(shop: Path, chart: Path, subtests: pytest.Subtests) -> None:
    by_chart, by_manifests = rendered(chart), rendered(shop)
    for settings, ours, theirs in zip(SETTINGS, by_chart, by_manifests, strict=True):
        with subtests.test(settings=settings):
            assert ours == theirs
    assert "mark-of-sources" in json.dumps(by_chart[0]["Deployment/shop"])
    assert len({json.dumps(objects, sort_keys=True) for objects in by_chart}) == len(SETTINGS), "a setting did nothing"


def test_the_chart_lints(cluster: None, chart: Path) -> None:
    digest = ("--set", f"digest=sha256:{'a' * 64}")
    run("helm", "lint", "--strict", str(chart / "helm"), *digest)
    refused = subprocess.run(
        ["helm", "template", "x", str(chart / "helm"), *digest, "--set", "replicsa=3"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode, "a value that the schema does not have was taken"
    assert "replicsa" in refused.stderr


@pytest.mark.parametrize("length", [1, 44, 45, 53])
def test_a_plain_helm_upgrade_has_legal_names(cluster: None, chart: Path, length: int) -> None:
    """Without the toolkit, the chart names the migration by its own hash of the spec."""

    def job_name(*settings: str) -> str:
        given = ("--set", f"digest=sha256:{'a' * 64},name={'s' * length}")
        shown = ("--show-only", "templates/database-migration-job.yaml")
        told = run("helm", "template", "x", str(chart / "helm"), *given, *shown, *settings)
        return str(yaml.safe_load(told)["metadata"]["name"])

    one, other = job_name(), job_name("--set", "resources.memory_limit=1Gi")
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", one), one
    assert one != other


@pytest.mark.drill(minutes=2)
def test_the_same_again_makes_no_revision(released: Stage) -> None:
    before, objects = revisions(released), released.versions()
    again = released.deploy("v1")
    print(f"the same again: {again.seconds:.1f} s")
    assert again.code == 0, again
    assert "changed=0" in again.out
    assert (revisions(released), released.versions()) == (before, objects)


@pytest.mark.drill(minutes=1)
def test_settings_that_the_service_refuses_make_no_revision(released: Stage) -> None:
    before, objects = revisions(released), released.versions()
    ended = released.deploy("v2", "-e", "settings.LOG_LEVEL=VERBOSE")
    assert ended.code == 6, ended
    assert "SETTINGS_REFUSED" in ended.out
    assert (revisions(released), released.versions()) == (before, objects)


@pytest.mark.drill(minutes=1)
def test_check_changes_nothing_and_is_true(released: Stage) -> None:
    before, objects = revisions(released), released.versions()
    shown = released.task("deploy", "--check", "--diff", "--exit-code", "-e", "replicas=3", image="v1")
    assert shown.code == 2, shown
    assert "+  replicas: 3" in shown.out
    assert (revisions(released), released.versions()) == (before, objects)


@pytest.mark.drill(minutes=1)
def test_a_crash_is_rolled_back_and_a_rollback_goes_back(released: Stage) -> None:
    before = released.image_of_deployment()
    crashed = released.deploy("crash")
    assert crashed.code == 3, crashed
    assert "CRASH_LOOP" in crashed.out
    assert released.image_of_deployment() == before
    assert released.deploy("v2").code == 0
    back = released.task("rollback", "--yes")
    print(f"rollback: {back.seconds:.1f} s")
    assert back.code == 0, back
    assert released.image_of_deployment() == before
    assert revisions(released)[-1][1] == "deployed"


@pytest.mark.drill(minutes=1)
@pytest.mark.parametrize("first", ["pending-upgrade", "pending-rollback"])
def test_a_pending_release_is_recovered(released: Stage, first: str) -> None:
    """Leave the state of a deployer killed while helm writes: the newest revision is pending."""
    newest = revisions(released)[-1][0]
    secret = f"secret/sh.helm.release.v1.shop.v{newest}"

    content = released.get("secret", secret.partition("/")[2])["data"]["release"]
    release = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(content))))
    release["info"]["status"] = first
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()
    patch = {"metadata": {"labels": {"status": first}}, "data": {"release": packed}}
    released.kubectl("patch", secret, "--type=merge", "-p", json.dumps(patch))
    control = subprocess.run(
        ["helm", "upgrade", "shop", str(released.project / "helm"), "-n", released.namespace, "--reuse-values"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "another operation" in control.stderr  # helm itself is stuck
    ended = released.deploy("v2")
    assert ended.code == 0, ended
    assert "rescued" in ended.out
    assert revisions(released)[-1][1] == "deployed"
    assert released.image_of_deployment() == released.images["v2"]


@pytest.mark.drill
def test_killed_in_the_release(released: Stage) -> None:
    image = "v1" if released.image_of_deployment() == released.images["v2"] else "v2"
    with released.deploying(image) as child:
        until(lambda: released.image_of_deployment() == released.images[image], 120, "the release applied")
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    ended = released.deploy(image)
    assert ended.code == 0, ended
    assert revisions(released)[-1][1] == "deployed"
    assert not released.get("leases")["items"]


@pytest.mark.drill
def test_rolling_deploys_under_load(released: Stage) -> None:
    drain = ("-e", "drain_seconds=8")
    assert released.deploy("v2", *drain).code == 0
    with released.load(rate=100) as load:
        for image in ("v1", "v3", "v2"):
            ended = released.deploy(image, *drain)
            assert ended.code == 0, ended
        time.sleep(10)  # the old pods' whole drain
    print(f"{load.sent} requests, failures {dict(load.failures)}")
    assert not load.failures


@pytest.mark.drill
def test_an_edit_by_hand_is_drift(released: Stage) -> None:
    released.kubectl("set", "env", "deployment/shop", "IMAGE_DIGEST=other")
    ended = released.deploy("v3")
    assert ended.code == 6, ended
    assert "DRIFT" in ended.out
    corrected = released.deploy("v3", "--correct-drift")
    assert corrected.code == 0, corrected
    assert released.http("/health")["image_digest"] == released.images["v3"]
