"""Processors: an image for others is refused before anything is touched, with what builds the right one."""

from typing import Any

import pytest

from toolkit.deploy.image import registry
from toolkit.deploy.inventory.schema import KubernetesEnvironment
from toolkit.deploy.outcomes import fail
from toolkit.deploy.places.kubernetes import node_platforms as platforms

AMD, ARM = "linux/amd64", "linux/arm64"
GPU = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


def environment(**changes: Any) -> KubernetesEnvironment:
    base = {"name": "staging", "namespace": "n", "repository": "r", "secret": {"name": "s"}}
    return KubernetesEnvironment.model_validate({**base, **changes})


def node(name: str, platform: str, *taints: dict[str, str], **spec: Any) -> dict[str, Any]:
    system, _, architecture = platform.partition("/")
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/arch": architecture}},
        "spec": {"taints": list(taints), **spec},
        "status": {"nodeInfo": {"operatingSystem": system, "architecture": architecture}},
    }


@pytest.mark.parametrize(
    ("image", "nodes", "changes", "refused"),
    [
        ({AMD}, [node("a", AMD)], {}, []),
        ({AMD, ARM}, [node("a", AMD), node("b", ARM)], {}, []),
        ({"linux/arm64/v8"}, [node("a", ARM)], {}, []),
        ({ARM}, [node("a", AMD)], {}, ["a"]),
        ({ARM}, [node("a", AMD), node("b", ARM)], {}, ["a"]),
        ({ARM}, [node("a", AMD), node("b", ARM)], {"node_selector": {"kubernetes.io/arch": "arm64"}}, []),
        ({ARM}, [node("a", AMD), node("b", ARM)], {"affinity": {"nodeAffinity": {}}}, []),
        ({ARM}, [node("a", AMD)], {"affinity": {"nodeAffinity": {}}}, ["a"]),
        ({ARM}, [node("a", AMD, GPU), node("b", ARM)], {}, []),
        ({ARM}, [node("a", AMD, GPU), node("b", ARM)], {"tolerations": [{"operator": "Exists"}]}, ["a"]),
        ({ARM}, [node("a", AMD, {**GPU, "effect": "PreferNoSchedule"})], {}, ["a"]),
        ({ARM}, [node("a", AMD, unschedulable=True), node("b", ARM)], {}, []),
        ({ARM}, [], {}, []),  # who may not list nodes
        (set(), [node("a", AMD)], {}, []),  # a registry that does not tell
    ],
)
def test_nodes_that_an_image_does_not_fit(
    image: set[str], nodes: list[dict[str, Any]], changes: dict[str, Any], refused: list[str]
) -> None:
    found = platforms.misfit(image, nodes, environment(**changes))
    assert [line.split()[1] for line in found.evidence] == refused if found else refused == []
    assert found is None or found.code == "IMG_PLATFORM"


def test_the_hint_is_what_makes_it_fit() -> None:
    nodes = [node("a", AMD), node("b", ARM)]
    built = platforms.misfit({ARM}, nodes, environment())
    assert built is not None
    assert built.hint.startswith(f"platforms: [{AMD},{ARM}]")
    given = platforms.misfit({ARM}, nodes, environment(image="sha256:x"))
    assert given is not None
    assert f"python3 tasks.py push --platform {AMD},{ARM}" in given.hint
    assert "node_selector.kubernetes.io/arch: arm64" in given.hint


@pytest.mark.parametrize(
    ("toleration", "tolerated"),
    [
        ({"key": "gpu", "operator": "Exists"}, True),
        ({"key": "gpu", "operator": "Equal", "value": "yes"}, True),
        ({"key": "gpu", "value": "yes", "effect": "NoSchedule"}, True),
        ({"key": "gpu", "value": "no"}, False),
        ({"key": "gpu", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "other", "operator": "Exists"}, False),
        ({"operator": "Exists"}, True),
    ],
)
def test_tolerations(toleration: dict[str, str], tolerated: bool) -> None:
    assert platforms.tolerates(toleration, GPU) is tolerated


def one(architecture: str, **labels: str) -> dict[str, Any]:
    return {"os": "linux", "architecture": architecture, "config": {"Labels": labels}}


def test_what_an_image_says_of_itself() -> None:
    labels = {registry.SCHEMA_LABEL: "abc", registry.COMMIT_LABEL: "a" * 40 + "-dirty"}
    single = registry.parse_about(one("arm64", **labels))
    assert (single.platforms, single.schema_head, single.commit) == ({ARM}, "abc", "a" * 40)
    index = {AMD: one("amd64", **labels), ARM: one("arm64", **labels), "unknown/unknown": {"os": "unknown"}}
    assert registry.parse_about(index).platforms == {AMD, ARM}
    assert registry.parse_about(index).schema_head == "abc"
    assert registry.parse_about(one("amd64", **{registry.COMMIT_LABEL: "unknown"})).commit == ""


def test_a_registry_that_is_away_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def inspect(reference: str, *_: object, **__: object) -> dict[str, str]:
        asked.append(reference)
        if reference.startswith("away.example"):
            raise fail("REGISTRY_UNREACHABLE", "no answer")
        if reference.endswith("lost"):
            raise fail("IMG_NOT_FOUND", "gone")
        return {}

    monkeypatch.setattr(registry, "_inspect", inspect)
    images = [*(f"away.example/x@{number}" for number in range(3)), "here.example/x@kept", "here.example/x@lost"]
    assert registry.gone(images) == {"here.example/x@lost"}
    assert sorted(asked) == ["away.example/x@0", "here.example/x@kept", "here.example/x@lost"]
