"""A release from nothing, the same again, and a check that tells the truth."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.stage import PASSWORD, Stage

PRODUCT = {"name": "Lamp", "price": "9.50"}
CHANGE = ("-e", "settings.LOG_LEVEL=DEBUG", "-e", "replicas=3")


def test_first_deploy_into_an_empty_namespace(running: Stage) -> None:
    """The deploy by `running`: this is the first test that uses it."""
    made = running.http("/api/v1/products", PRODUCT)
    assert running.http(f"/api/v1/products/{made['id']}")["name"] == "Lamp"
    assert running.http("/health")["image_digest"] == running.images["v1"]
    assert running.sql("select version_num from alembic_version") == running.http("/ready")["schema"]
    (record,) = running.history()
    assert record["outcome"] == "deployed"
    assert record["digest"] == running.images["v1"]
    assert record["schema_after"] == running.http("/ready")["schema"]
    assert not running.get("leases")["items"]

    before = running.versions()
    again = running.deploy("v1")
    print(f"the same again: {again.seconds:.1f} s")
    assert again.code == 0, again
    assert re.search(r"ok=8 +changed=0", again.out), again
    assert running.versions() == before

    # The control: a real change, of one object, shows in what was compared.
    changed = running.deploy("v1", "-e", "network_policy.enabled=false")
    assert changed.code == 0, changed
    assert running.versions() != before


def test_check_and_diff_tell_what_the_deploy_then_does(running: Stage) -> None:
    before, generation = running.versions(), running.deployment()["metadata"]["generation"]
    shown = running.task("deploy", "--check", "--diff", "--exit-code", *CHANGE, image="v2")
    assert shown.code == 2, shown
    assert running.versions() == before
    assert re.search(rf"\+ +value: {running.images['v2']}", shown.out), shown
    assert "+  replicas: 3" in shown.out, shown
    assert "+  LOG_LEVEL: DEBUG" in shown.out, shown
    assert PASSWORD not in shown.out

    applied = running.deploy("v2", *CHANGE)
    assert applied.code == 0, applied
    assert running.deployment()["metadata"]["generation"] == generation + 1
    assert running.deployment()["spec"]["replicas"] == 3
    again = running.task("deploy", "--check", "--exit-code", *CHANGE, image="v2")
    assert again.code == 0, again


@pytest.mark.drill(minutes=1)
def test_rendered_objects_are_those_that_run(running: Stage, tmp_path: Path) -> None:
    """`--render DIR`, for people who apply with other tools: nothing would change, and `kubectl diff` would see it."""
    assert running.deploy("v2", *CHANGE).code == 0
    rendered = running.task("deploy", "--render", str(tmp_path / "same"), *CHANGE, image="v2")
    assert rendered.code == 0, rendered
    # A finished migration's Job goes with the record that it belonged to.
    assert changed_kinds(running, tmp_path / "same") <= {"Job"}

    assert running.task("deploy", "--render", str(tmp_path / "other"), image="v2").code == 0
    assert "Deployment" in changed_kinds(running, tmp_path / "other")

    wrong = ("--render", str(tmp_path / "refused"), "-e", "settings.LOG_LEVEL=VERBOSE")
    refused = running.task("deploy", *wrong, image="v2")
    assert refused.code == 6, refused
    assert "SETTINGS_REFUSED" in refused.out
    assert not (tmp_path / "refused").exists()


def changed_kinds(stage: Stage, objects: Path) -> set[str]:
    """Of what applying the objects would change; `kubectl diff` names each GROUP.VERSION.KIND.NAMESPACE.NAME.

    The mark of the pods' Secrets is not in rendered objects: only a deploy reads it from the cluster.
    """
    command = ["kubectl", "diff", "-n", stage.namespace, "-k", str(objects), "--server-side", "--field-manager=deploy"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode in (0, 1), done.stderr
    kinds = set()
    for item in re.split(r"^diff ", done.stdout, flags=re.MULTILINE)[1:]:
        found = re.search(r"/MERGED-\d+/\S*?\.(\w+)\." + re.escape(stage.namespace), item)
        changes = re.findall(r"^[-+].*", item.partition("\n@@")[2], re.MULTILINE)
        if found and not all(re.match(r". +(deploy/sources|generation): ", line) for line in changes):
            kinds.add(found[1])
    return kinds


def test_values_of_a_secret_are_never_shown(running: Stage) -> None:
    secret = f"postgresql://postgres:{PASSWORD}@postgres:5432/shop"
    given = ("-e", "secret={from_env: [DATABASE_URL]}")
    shown = running.task("deploy", "--check", "--diff", "--exit-code", *given, image="v1", DATABASE_URL=secret)
    assert shown.code == 2, shown
    assert "<changed>" in shown.out
    assert PASSWORD not in shown.out
    applied = running.deploy("v1", *given, DATABASE_URL=secret)
    assert applied.code == 0, applied
    assert PASSWORD not in applied.out
    records = running.kubectl("get", "configmaps", "-o", "yaml")
    assert PASSWORD not in records
