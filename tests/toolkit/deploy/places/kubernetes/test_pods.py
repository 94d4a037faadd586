"""One look at a Deployment: which pods are new, which are old, and when it is done."""

from typing import Any

import pytest

from toolkit.deploy.places.kubernetes.pods import REVISION, View, divide


def item(name: str, owner: str = "", **more: Any) -> dict[str, Any]:
    owners = [{"uid": owner}] if owner else []
    return {"metadata": {"name": name, "uid": name, "ownerReferences": owners, **more}}


def replica_set(name: str, revision: str) -> dict[str, Any]:
    return item(name, "deployment", annotations={REVISION: revision})


def pod(name: str, owner: str, *, ready: bool = True, **more: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {**item(name, owner, **more), "status": {"phase": "Running", "conditions": conditions}}


def deployment(**status: int) -> dict[str, Any]:
    full = {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}
    made = item("deployment", generation=2, annotations={REVISION: "2"})
    return {**made, "spec": {"replicas": 2}, "status": {**full, **status}}


SETS = [replica_set("old", "1"), replica_set("new", "2")]
NEW = [pod("new-1", "new"), pod("new-2", "new")]


def seen(pods: list[Any], **status: int) -> View:
    return divide(deployment(**status), SETS, pods, [])


def test_pods_are_divided_by_their_owner() -> None:
    view = seen([*NEW, pod("old-1", "old"), pod("other", "somebody")])
    assert [found["metadata"]["name"] for found in view.pods] == ["new-1", "new-2"]
    assert [found["metadata"]["name"] for found in view.old] == ["old-1"]


@pytest.mark.parametrize(
    ("pods", "status", "complete"),
    [
        (NEW, {}, True),
        ([*NEW, pod("old-1", "old", deletionTimestamp="now")], {}, True),
        ([*NEW, pod("old-1", "old")], {}, False),
        (NEW, {"observedGeneration": 1}, False),
        (NEW, {"availableReplicas": 1}, False),
        (NEW, {"replicas": 3}, False),
        ([NEW[0], pod("new-2", "new", ready=False)], {}, False),
        (NEW[:1], {}, False),
    ],
)
def test_complete(pods: list[Any], status: dict[str, int], complete: bool) -> None:
    assert seen(pods, **status).complete is complete


def test_pods_of_the_generation_before_are_not_judged() -> None:
    """Right after a release is taken back, the newest number is still that of the pods that crash."""
    view = seen(NEW, observedGeneration=1)
    assert view.pods == ()
    assert not view.complete


def test_nothing_deployed_is_not_complete() -> None:
    assert not View(None).complete
