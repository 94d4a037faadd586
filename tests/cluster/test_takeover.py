"""Objects that another tool has made: what it left in them is named, refused, and removed with --correct-drift."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.stage import Stage, run

pytestmark = pytest.mark.drill

ADDED = ('containers[name="old"]', 'containers[name="app"].command', 'containers[name="app"].env[name="EXTRA"]')


def by_hand(stage: Stage, name: str = "app.kubernetes.io/name") -> str:
    """Create an earlier Deployment with `kubectl apply`: the same name and selector, and different pods."""
    image = f"{stage.images.repository}@{stage.images['v1']}"
    labels = {name: "shop"}
    sleep = ["sleep", "1000"]
    containers = [
        {"name": "old", "image": image, "command": sleep},
        {"name": "app", "image": image, "command": sleep, "env": [{"name": "EXTRA", "value": "1"}]},
    ]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    metadata = {"name": "shop", "labels": {"team": "lamps"}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})


@pytest.mark.parametrize("driver", ["manifests", "helm"])
def test_a_deployment_made_by_kubectl_apply(actor: Stage, charted: Path, driver: str) -> None:
    project = charted if driver == "helm" else actor.project
    with replace(actor, project=project).fresh() as stage:
        stage.kubectl("apply", "-f", "-", stdin=by_hand(stage))
        before = stage.deployment()["spec"]
        refused = stage.deploy("v1")
        assert refused.code == 6, refused
        assert "DRIFT" in refused.out
        assert all(field in refused.out for field in ADDED), refused
        assert "kubectl-client-side-apply" in refused.out
        assert stage.deployment()["spec"] == before

        shown = stage.task("deploy", "--check", "--correct-drift", image="v1")
        assert shown.code == 0, shown
        assert all(field in shown.out for field in ADDED), shown
        assert stage.deployment()["spec"] == before

        taken = stage.deploy("v1", "--correct-drift")
        assert taken.code == 0, taken
        assert all(field in taken.out for field in ADDED), taken
        (container,) = stage.deployment()["spec"]["template"]["spec"]["containers"]
        assert container["name"] == "app"
        assert "command" not in container
        assert "EXTRA" not in variables(container)
        # Fields without an effect stay.
        assert stage.deployment()["metadata"]["labels"]["team"] == "lamps"

        again = stage.deploy("v1")
        assert again.code == 0, again
        assert "changed=0" in again.out


def test_a_deployment_with_another_selector(actor: Stage) -> None:
    """A selector can't be changed: the refusal says so, and its command works."""
    with actor.fresh() as stage:
        stage.kubectl("apply", "-f", "-", stdin=by_hand(stage, "app"))
        refused = stage.deploy("v1", "--correct-drift")
        assert refused.code == 6, refused
        assert "IMMUTABLE" in refused.out
        command = re.search(r"`(kubectl -n \S+ delete deployment shop)`", refused.out)
        assert command, refused
        run(*command[1].split())
        assert stage.deploy("v1").code == 0


def test_a_variable_set_by_hand_is_drift(running: Stage) -> None:
    running.kubectl("set", "env", "deployment/shop", "EXTRA=1")
    ended = running.deploy("v1")
    assert ended.code == 6, ended
    assert 'env[name="EXTRA"]' in ended.out
    assert "kubectl-set" in ended.out
    corrected = running.deploy("v1", "--correct-drift")
    assert corrected.code == 0, corrected
    assert "EXTRA" not in variables(running.deployment()["spec"]["template"]["spec"]["containers"][0])


def test_a_restart_by_hand_is_no_drift(running: Stage) -> None:
    running.kubectl("rollout", "restart", "deployment/shop")
    running.kubectl("rollout", "status", "deployment/shop", "--timeout=300s")
    ended = running.deploy("v1")
    assert ended.code == 0, ended
    assert "changed=0" in ended.out


def variables(container: dict[str, Any]) -> set[str]:
    return {entry["name"] for entry in container.get("env", ())}
