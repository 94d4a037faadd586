"""Changes by others: kept in their own fields, reported in ours."""

import json

import pytest

from tests.support.stage import Stage

pytestmark = pytest.mark.drill

HPA = ("-e", "autoscale={min: 2, max: 4, cpu_percent: 80}")


def test_an_image_edited_by_hand_is_drift(running: Stage) -> None:
    by_hand = f"{running.images.repository}@{running.images['v2']}"
    running.kubectl("set", "image", "deployment/shop", f"app={by_hand}")
    before = running.deployment()["spec"]
    ended = running.deploy("v1")
    assert ended.code == 6, ended
    assert "DRIFT" in ended.out
    assert "kubectl-set" in ended.out
    assert "image" in ended.out
    assert running.deployment()["spec"] == before
    corrected = running.deploy("v1", "--correct-drift")
    assert corrected.code == 0, corrected
    assert running.image_of_deployment() == running.images["v1"]


def test_a_label_of_another_manager_is_kept(running: Stage) -> None:
    running.kubectl("label", "deployment/shop", "team=lamps")
    assert running.deploy("v2").code == 0
    assert running.deployment()["metadata"]["labels"]["team"] == "lamps"
    assert running.deploy("v1").code == 0


def test_replicas_of_an_autoscaler_are_kept(running: Stage) -> None:
    handed = running.deploy("v1", *HPA)
    assert handed.code == 0, handed
    assert running.deployment()["spec"]["replicas"] == 2  # handed over, not dropped to 1
    assert json.loads(running.kubectl("get", "hpa", "shop", "-o", "json"))["spec"]["minReplicas"] == 2
    running.kubectl("scale", "deployment/shop", "--replicas=3")
    assert running.deploy("v2", *HPA).code == 0
    assert running.deployment()["spec"]["replicas"] == 3
    again = running.task("deploy", "--check", "--exit-code", *HPA, image="v2")
    assert again.code == 0, again
