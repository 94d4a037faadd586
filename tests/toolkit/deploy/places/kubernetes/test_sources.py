"""The mark of what the pods read: it changes with the values that they use, and with nothing else."""

import base64
from typing import Any

import pytest

from toolkit.deploy.inventory.schema import KubernetesEnvironment
from toolkit.deploy.places.kubernetes import sources
from toolkit.deploy.places.kubernetes.labels import MARK
from toolkit.deploy.places.kubernetes.sources import Source
from toolkit.deploy.places.kubernetes.template_values import template_values
from toolkit.deploy.spec import ReleaseSpec

URL = "postgresql://shop:hidden-word@db/shop"


def environment(**keys: Any) -> KubernetesEnvironment:
    base = {"name": "staging", "namespace": "n", "repository": "registry.example/lamps", "secret": {"name": "s"}}
    return KubernetesEnvironment.model_validate({**base, **keys})


def secret(uid: str = "1", **values: str) -> dict[str, Any]:
    data = {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}
    return {"kind": "Secret", "metadata": {"name": "s", "uid": uid}, "data": data}


def found(live: dict[str, Any] | None, **keys: Any) -> sources.Found:
    (source,) = sources.sources("lamps", environment(**keys))
    return {source: live}


def test_a_mark_changes_with_the_values_that_the_pods_use() -> None:
    first = sources.mark(found(secret(DATABASE_URL=URL, OTHER="a")))
    assert first
    assert first == sources.mark(found({**secret(DATABASE_URL=URL, OTHER="b"), "type": "Opaque"}))
    assert first != sources.mark(found(secret(DATABASE_URL=f"{URL}2", OTHER="a")))
    assert first != sources.mark(found(secret(DATABASE_URL=URL, OTHER="a"), secret={"name": "s", "keys": ["OTHER"]}))
    # Another Secret of the same name: nobody who reads pods can compare with a guess.
    assert first != sources.mark(found(secret("2", DATABASE_URL=URL, OTHER="a")))
    assert not sources.mark(found(None))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"secret": {"from_env": ["DATABASE_URL"]}}, []),
        ({"secret": {"external": {"store": "v", "keys": {"A": "a"}}}}, [Source("Secret", "lamps-external", ("A",))]),
        (
            {
                "env_from": [
                    {"secretRef": {"name": "more"}, "prefix": "MAIL_"},
                    {"configMapRef": {"name": "common", "optional": True}},
                ]
            },
            [
                Source("Secret", "s", ("DATABASE_URL",)),
                Source("Secret", "more", None, "MAIL_"),
                Source("ConfigMap", "common", None, ""),
            ],
        ),
        (
            {"volumes": [{"name": "ca", "configMap": {"name": "ca"}}, {"name": "k", "secret": {"secretName": "k"}}]},
            [
                Source("Secret", "s", ("DATABASE_URL",)),
                Source("ConfigMap", "ca", None, None),
                Source("Secret", "k", None, None),
            ],
        ),
    ],
    ids=["from_env", "external", "env_from", "volumes"],
)
def test_every_form_of_a_source_counts(keys: dict[str, Any], expected: list[Source]) -> None:
    assert list(sources.sources("lamps", environment(**keys))) == expected


def test_variables_have_the_prefix_of_their_source_and_only_the_keys_that_are_used() -> None:
    common = {"metadata": {"uid": "2"}, "data": {"LOG_LEVEL": "INFO"}}
    assert sources.variables(Source("Secret", "s", ("DATABASE_URL", "GONE")), secret(DATABASE_URL=URL, OTHER="x")) == {
        "DATABASE_URL": URL
    }
    assert sources.variables(Source("ConfigMap", "c", None, "P_"), common) == {"P_LOG_LEVEL": "INFO"}
    assert sources.variables(Source("ConfigMap", "files", None, None), common) == {}
    assert sources.variables(Source("ConfigMap", "c", None), None) == {}


def test_pods_are_stale_when_they_started_with_another_mark() -> None:
    values = template_values(ReleaseSpec("lamps", environment(), "sha256:0", mark="a" * 16))
    assert values["pod_annotations"][MARK] == values["annotations"][MARK] == "a" * 16
    deployment = {"kind": "Deployment", "spec": {"template": {"metadata": {"annotations": values["pod_annotations"]}}}}
    assert not sources.stale(deployment, "a" * 16)
    assert sources.stale(deployment, "b" * 16)
    assert not sources.stale(deployment, "")
    assert not sources.stale(None, "a")
    assert not sources.stale(sources.marked(deployment, "b" * 16), "b" * 16)
    assert MARK not in template_values(ReleaseSpec("lamps", environment(), "sha256:0"))["pod_annotations"]
