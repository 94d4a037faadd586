"""Releases on Azure Container Instances: what interrupts, what is put back, and what is refused."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.azure import MISSING
from tests.support.bakery import Bakery
from tests.support.instances import CONTAINER_GROUP, VALUE, InstancesStage
from tests.support.running import PATIENCE

pytestmark = pytest.mark.drill(minutes=3)
PUT = f"PUT containerGroups/{CONTAINER_GROUP}"
MIGRATION = f"PUT containerGroups/{CONTAINER_GROUP}-migrate"


@pytest.fixture(scope="module")
def bare(shop: Path, packages: str, bakery: Bakery) -> InstancesStage:
    return InstancesStage(shop, bakery.environment, packages)


@pytest.fixture(scope="module")
def stage(bare: InstancesStage) -> Iterator[InstancesStage]:
    """A resource group with v1 released."""
    with bare.fresh() as made:
        ended = made.deploy("v1")
        assert ended.code == 0, ended
        yield made


def test_the_second_deploy_writes_nothing(stage: InstancesStage) -> None:
    assert stage.serving() == stage.digests["v1"]
    assert list(stage.azure.groups.found) == [CONTAINER_GROUP], "the migration's group is deleted"
    stage.azure.writes.clear()
    again = stage.deploy("v1")
    assert again.code == 0, again
    assert "changed=0" in again.out
    assert stage.azure.writes == []


def test_check_says_how_long_nobody_answers_and_shows_no_secret(stage: InstancesStage) -> None:
    stage.azure.writes.clear()
    shown = stage.task("deploy", "--check", "--diff", "--exit-code", image="v2")
    assert shown.code == 2, shown
    assert "no answers for about 21 s" in shown.out
    assert stage.digests["v2"] in shown.out
    assert VALUE not in shown.out
    assert stage.azure.writes == []


def test_a_release_replaces_the_container_and_a_rollback_too(stage: InstancesStage) -> None:
    stage.azure.writes.clear()
    ended = stage.deploy("v2")
    assert ended.code == 0, ended
    assert stage.serving() == stage.digests["v2"]
    assert stage.azure.writes == [PUT, "PUT records"]
    back = stage.task("rollback", "--yes")
    assert back.code == 0, back
    assert stage.serving() == stage.digests["v1"]
    assert VALUE not in json.dumps(stage.history())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"exits": 17, "line": "cannot open the flux capacitor"}, ("CRASH_LOOP", "exit code 17", "flux capacitor")),
        ({"exits": 137, "reason": "OOMKilled"}, ("OUT_OF_MEMORY", "exit code 137")),
        ({"ready": False, "line": "up but deaf"}, ("NOT_READY", "up but deaf", "after 6 s")),
    ],
)
def test_failing_release_is_put_back(stage: InstancesStage, given: dict[str, Any], expected: tuple[str, ...]) -> None:
    stage.add("bad", **given)
    ended = stage.deploy("bad", "-e", "rollout_seconds=6")
    assert ended.code == 3, ended
    for text in expected:
        assert text in ended.out, ended
    assert stage.serving() == stage.digests["v1"]


def test_failing_migration_leaves_the_release(stage: InstancesStage) -> None:
    stage.add("bad", migrates=1, line="relation exists")
    stage.azure.writes.clear()
    ended = stage.task("deploy", "--yes", image="bad", DATABASE_URL=f"{VALUE}-of-another")
    assert ended.code == 3, ended
    for text in ("MIGRATION_FAILED", "exit code 1", "relation exists", "the running release was not changed"):
        assert text in ended.out, ended
    assert PUT not in stage.azure.writes
    assert stage.serving() == stage.digests["v1"]
    assert list(stage.azure.groups.found) == [CONTAINER_GROUP]


def test_image_that_only_azure_cannot_pull(stage: InstancesStage) -> None:
    digest = stage.add("private")
    del stage.azure.images[digest]
    ended = stage.deploy("private")
    assert ended.code == 3, ended
    assert "IMG_NOT_FOUND" in ended.out
    assert "is not accessible" in ended.out
    assert stage.serving() == stage.digests["v1"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ((f"image={MISSING}",), "IMG_NOT_FOUND"),
        (("secret={name: shop}",), "Container Instances has no secrets of its own"),
        (("properties={volume: []}",), "properties: volume: unknown key; did you mean volumes?"),
        (("properties={dnsConfig: {nameServer: [1.1.1.1]}}",), "unknown key; did you mean nameServers?"),
        (("properties={containers: []}",), "containers is set by the toolkit"),
        (("replicas=2",), "a container group runs one container"),
    ],
)
def test_refused_before_anything_changes(stage: InstancesStage, keys: tuple[str, ...], expected: str) -> None:
    stage.azure.writes.clear()
    image = "" if keys[0].startswith("image=") else "v2"
    ended = stage.task("deploy", "--yes", *(part for key in keys for part in ("-e", key)), image=image)
    assert ended.code == 6, ended
    assert expected in ended.out
    assert stage.azure.writes == []


def test_one_of_two_deployers_wins(stage: InstancesStage) -> None:
    with stage.stopping(PUT) as reached, stage.deploying("v2") as first:
        assert reached.wait(PATIENCE)
        second = stage.deploy("v2")
        out, _ = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, out
    assert second.code in (0, 5), second
    assert second.code == 0 or "LOCKED" in second.out
    assert stage.serving() == stage.digests["v2"]


def test_killed_deploy_converges(stage: InstancesStage) -> None:
    stage.add("v3")
    with stage.stopping(PUT) as reached, stage.deploying("v3") as child:
        assert reached.wait(PATIENCE)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    ended = stage.deploy("v3")
    assert ended.code == 0, ended
    assert "changed=0" in stage.deploy("v3").out
    assert stage.serving() == stage.digests["v3"]


def test_operations(stage: InstancesStage) -> None:
    ended = stage.task("run", "--", "exit", "7")
    assert ended.code == 7, ended
    assert "Started server process" in ended.out
    assert list(stage.azure.groups.found) == [CONTAINER_GROUP]
    shown = json.loads(stage.task("status", "--json").out)
    assert (shown["ready"], shown["desired"]) == (1, 1)
    assert "Started server process" in stage.task("logs").out
    scaled = stage.task("scale", "2", "--yes")
    assert scaled.code == 6, scaled
    assert "NOT_SUPPORTED" in scaled.out


def test_production_is_not_interrupted_unless_that_is_allowed(
    bare: InstancesStage, bakery: Bakery, tmp_path: Path
) -> None:
    project = tmp_path / "shop"
    bakery.copy(bare.project, project)
    (project / "deploy" / "inventory.yaml").write_text("all: {}\nproduction: {place: instances}\n")
    with bare.fresh() as made:
        production = replace(made, project=project, name="production")
        first = production.deploy("v1")
        assert first.code == 0, first
        made.azure.writes.clear()
        refused = production.deploy("v2")
        assert refused.code == 6, refused
        assert "DOWNTIME" in refused.out
        assert "place: containerapps" in refused.out
        assert made.azure.writes == []
        allowed = production.deploy("v2", "-e", "allow_downtime=true")
        assert allowed.code == 0, allowed
