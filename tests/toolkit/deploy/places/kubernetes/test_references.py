"""Objects of others: what the pods refer to is known before they wait for it."""

from typing import Any

import pytest

from toolkit.deploy.inventory.schema import KubernetesEnvironment
from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.kubernetes import references


def environment(**changes: Any) -> KubernetesEnvironment:
    base = {"name": "staging", "namespace": "n", "repository": "r", "secret": {"name": "s"}}
    return KubernetesEnvironment.model_validate({**base, **changes})


class Objects:
    """A cluster that has these objects, and forbids the rest of some kinds."""

    def __init__(self, *forbidden: str, **data: dict[str, str]) -> None:
        self.data, self.forbidden = data, forbidden

    def get(self, _: str, kind: str, name: str) -> dict[str, Any] | None:
        if kind in self.forbidden:
            raise fail("FORBIDDEN", "no")
        found = self.data.get(f"{kind}_{name}")
        return None if found is None else {"data": found}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"env_from": [{"configMapRef": {"name": "a"}}, {"secretRef": {"name": "b"}}]}, ["ConfigMap/a", "Secret/b"]),
        ({"env_from": [{"configMapRef": {"name": "a", "optional": True}}]}, []),
        ({"volumes": [{"name": "x", "configMap": {"name": "a"}}]}, ["ConfigMap/a"]),
        ({"volumes": [{"name": "x", "secret": {"secretName": "a"}}]}, ["Secret/a"]),
        ({"volumes": [{"name": "x", "secret": {"secretName": "a", "optional": True}}]}, []),
        ({"volumes": [{"name": "x", "persistentVolumeClaim": {"claimName": "a"}}]}, ["PersistentVolumeClaim/a"]),
        ({"volumes": [{"name": "x", "projected": {"sources": [{"secret": {"name": "a"}}]}}]}, ["Secret/a"]),
        ({"volumes": [{"name": "x", "emptyDir": {}}]}, []),
        (
            {
                "sidecars": [
                    {"name": "x", "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]}
                ]
            },
            ["Secret/a"],
        ),
        ({"priority_class": "high"}, ["PriorityClass/high"]),
    ],
)
def test_what_is_referred_to(changes: dict[str, Any], found: list[str]) -> None:
    assert [f"{item.kind}/{item.name}" for item in references.referred(environment(**changes))] == found


def test_every_missing_object_is_named_with_what_creates_it() -> None:
    env = environment(env_from=[{"configMapRef": {"name": "shared"}}], priority_class="high")
    with pytest.raises(Failed) as caught:
        references.check(Objects(), env)  # pyrefly: ignore
    failure = caught.value.failure
    assert failure.code == "REFERENCE_MISSING"
    assert failure.evidence == (
        "env_from: ConfigMap/shared does not exist",
        "priority_class: PriorityClass/high does not exist",
    )
    assert "kubectl -n n create configmap shared" in failure.hint
    references.check(Objects("PriorityClass", ConfigMap_shared={}), env)  # pyrefly: ignore
