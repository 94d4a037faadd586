"""Keys that shape the pods: validated as Kubernetes would, with the key and the nearest name."""

import re
from typing import Any

import pytest

from tests.support.template import SERVICE
from toolkit.deploy.inventory import load
from toolkit.deploy.inventory.models import all_keys, block_of
from toolkit.deploy.outcomes import Failed

BASE = {"namespace": "n", "repository": "r", "secret": {"name": "s"}}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tolerations": [{"keey": "gpu"}]}, "tolerations.0: keey: unknown field; did you mean key?"),
        ({"tolerations": ["gpu"]}, "tolerations.0: expected the fields of a Toleration"),
        ({"sidecars": [{"name": "proxy", "volumeMount": []}]}, "did you mean volumeMounts?"),
        ({"sidecars": [{"image": "proxy"}]}, "sidecars.0: name: Field required"),
        ({"sidecars": [{"name": "app"}]}, "sidecars: app is used by the service itself"),
        ({"sidecars": [{"name": "a"}, {"name": "a"}]}, "sidecars: duplicate a"),
        ({"sidecars": [{"name": "a", "volumeMounts": [{"name": "b", "mountPath": "/b"}]}]}, "volume b does not exist"),
        ({"volumes": [{"name": "ca", "configMapp": {}}]}, "did you mean configMap?"),
        ({"volumes": [{"name": "tmp", "emptyDir": {}}]}, "volumes: tmp is used by the service itself"),
        ({"volume_mounts": [{"name": "ca", "mountPath": "/ca"}]}, "volume ca does not exist"),
        ({"volume_mounts": [{"name": "tmp", "mountPath": "/tmp"}]}, "volume_mounts: /tmp is used"),  # noqa: S108
        ({"env_from": [{"configMap": {"name": "x"}}]}, "did you mean configMapRef?"),
        ({"affinity": {"nodeAffinty": {}}}, "did you mean nodeAffinity?"),
        ({"topology_spread": [{"maxSkew": 1}]}, "topologyKey: Field required"),
        ({"labels": {"app.kubernetes.io/name": "x"}}, "is set by the toolkit"),
        ({"labels": {"team": "a team"}}, "'a team' is not a valid value"),
        ({"annotations": {"a b": "c"}}, "'a b' is not a valid key"),
        ({"node_selecter": {}}, "did you mean node_selector?"),
        ({"priority_class": "High"}, "priority_class: "),
    ],
)
def test_mistakes_are_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Failed) as caught:
        load.validate("staging", {**BASE, **given})
    assert caught.value.failure.code == "INVENTORY_INVALID"
    assert said in str(caught.value)


def test_objects_stay_as_kubernetes_spells_them() -> None:
    given = {"name": "ca", "configMap": {"name": "ca", "items": [{"key": "a", "path": "b"}]}}
    made = load.validate("staging", {**BASE, "volumes": [given]})
    assert made.volumes == (given,)


def documented(text: str) -> set[str]:
    return {name for row in re.findall(r"^\| (`[^|]+) \|", text, re.M) for name in re.findall(r"`([a-z_.]+)`", row)}


def test_every_key_is_documented() -> None:
    """docs/inventory.md has a row for each key, and for each key of a block that has keys of its own."""
    expected = set()
    for key in set(all_keys()) - {"name"}:
        block = block_of(key)
        expected |= {f"{key}.{inner}" for inner in block.model_fields} if block else {key}
    assert documented((SERVICE / "docs" / "inventory.md").read_text("utf-8")) == expected
