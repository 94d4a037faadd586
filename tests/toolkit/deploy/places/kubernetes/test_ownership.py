"""Fields that other managers have added: told from defaults, from what is theirs to set, and from our own."""

from copy import deepcopy
from typing import Any

import pytest

from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.places.kubernetes import ownership
from toolkit.deploy.places.kubernetes.apply import Look, changes, look, removals
from toolkit.deploy.places.kubernetes.objects import image_of

APP, OLD = 'k:{"name":"app"}', 'k:{"name":"old"}'
TEMPLATE = ("f:spec", "f:template", "f:spec")


def tree(*paths: tuple[str, ...]) -> dict[str, Any]:
    """FieldsV1 with these leaves."""
    root: dict[str, Any] = {}
    for path in paths:
        inside = root
        for part in path:
            inside = inside.setdefault(part, {})
    return root


def entry(manager: str, *paths: tuple[str, ...], **more: str) -> dict[str, Any]:
    operation = "Apply" if manager == "deploy" else "Update"
    return {"manager": manager, "operation": operation, "time": "T", "fieldsV1": tree(*paths), **more}


OURS = entry(
    "deploy",
    ("f:spec", "f:replicas"),
    (*TEMPLATE, "f:containers", APP, "."),
    (*TEMPLATE, "f:containers", APP, "f:image"),
    (*TEMPLATE, "f:containers", APP, "f:args"),
)
THEIRS = entry(
    "kubectl-client-side-apply",
    ("f:metadata", "f:labels", "f:team"),
    ("f:spec", "f:template", "f:metadata", "f:annotations", "f:restartedAt"),
    (*TEMPLATE, "f:dnsPolicy"),
    (*TEMPLATE, "f:containers", "."),
    (*TEMPLATE, "f:containers", APP, "."),
    (*TEMPLATE, "f:containers", APP, "f:image"),
    (*TEMPLATE, "f:containers", APP, "f:args"),
    (*TEMPLATE, "f:containers", APP, "f:command"),
    (*TEMPLATE, "f:containers", APP, "f:env", "."),
    (*TEMPLATE, "f:containers", APP, "f:env", 'k:{"name":"EXTRA"}', "."),
    (*TEMPLATE, "f:containers", APP, "f:env", 'k:{"name":"EXTRA"}', "f:value"),
    (*TEMPLATE, "f:containers", OLD, "."),
    (*TEMPLATE, "f:containers", OLD, "f:image"),
)
CONTAINERS = [
    {"name": "old", "image": "old:1"},
    {"name": "app", "image": "x", "args": ["a"], "command": ["sh"], "env": [{"name": "EXTRA", "value": "1"}]},
]


def deployment(*entries: dict[str, Any], containers: list[dict[str, Any]]) -> dict[str, Any]:
    pod = {"dnsPolicy": "ClusterFirst", "containers": containers}
    metadata = {"name": "lamps", "managedFields": deepcopy(list(entries))}
    item = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata}
    return {**item, "spec": {"replicas": 2, "template": {"spec": pod}}}


LIVE = deployment(OURS, THEIRS, containers=CONTAINERS)
FRESH = deployment(OURS, containers=[{"name": "app", "image": "x", "args": ["a"]}])
EXPECTED = {
    '.spec.template.spec.containers[name="app"].command',
    '.spec.template.spec.containers[name="app"].env',
    '.spec.template.spec.containers[name="old"]',
}


def strays_of(live: dict[str, Any]) -> tuple[ownership.Stray, ...]:
    return ownership.strays(live, FRESH, ownership.added(live, "deploy", ignored=("deploy-handover",)))


def test_what_others_have_added_is_named_once() -> None:
    """Not the default that the manager owns as well, nor labels and annotations."""
    found = strays_of(LIVE)
    assert {ownership.shown(stray.path) for stray in found} == EXPECTED
    assert all(str(stray).endswith("is set by kubectl-client-side-apply since T") for stray in found)


@pytest.mark.parametrize(
    "entries",
    [
        (OURS,),
        (OURS, entry("kubectl", ("f:spec", "f:replicas"), subresource="scale")),
        (OURS, entry("kube-controller-manager", ("f:status", "f:replicas"), subresource="status")),
        (entry("deploy", ("f:spec", "f:paused")), entry("deploy-handover", ("f:spec", "f:replicas"))),
        (OURS, entry("kubectl-label", ("f:metadata", "f:labels", "f:team"))),
        (OURS, entry("kubectl-rollout", ("f:spec", "f:template", "f:metadata", "f:annotations", "f:restartedAt"))),
    ],
)
def test_what_others_may_set_is_no_stray(entries: tuple[dict[str, Any], ...]) -> None:
    assert ownership.added(deployment(*entries, containers=CONTAINERS), "deploy", ignored=("deploy-handover",)) == []


def test_a_key_of_a_configmap_is_a_stray() -> None:
    live = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"managedFields": [entry("deploy", ("f:data", "f:A")), entry("kubectl-edit", ("f:data", "f:B"))]},
        "data": {"A": "1", "B": "2"},
    }
    (stray,) = ownership.strays(live, {"data": {"A": "1"}}, ownership.added(live, "deploy"))
    assert str(stray) == ".data.B is set by kubectl-edit since T"


def test_strays_are_ours_alone_afterwards() -> None:
    entries = ownership.taken_over(LIVE, "deploy", strays_of(LIVE))
    owned = {**LIVE, "metadata": {"managedFields": entries}}
    assert strays_of(owned) == ()
    ours, theirs = (next(item for item in entries if item["manager"] == name["manager"]) for name in (OURS, THEIRS))
    containers = ours["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert set(containers) == {APP, OLD}
    assert {"f:command", "f:env", "f:image", "f:args", "."} == set(containers[APP])
    # What they own besides stays theirs.
    assert theirs["fieldsV1"]["f:metadata"] == THEIRS["fieldsV1"]["f:metadata"]
    assert OLD not in theirs["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"]


def test_a_first_apply_takes_over_as_well() -> None:
    entries = ownership.taken_over(deployment(THEIRS, containers=CONTAINERS), "deploy", strays_of(LIVE))
    (ours,) = [item for item in entries if item["manager"] == "deploy"]
    assert (ours["operation"], ours["apiVersion"]) == ("Apply", "apps/v1")
    assert OLD in ours["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"]


class Server:
    """Answers dry runs as the API server does: what is live, and under another name what would be new."""

    def __init__(self, refusal: str = "") -> None:
        self.refusal = refusal

    def get(self, *_: object) -> dict[str, Any]:
        return LIVE

    def apply(self, item: dict[str, Any], *, dry_run: bool, manager: str, force: bool = False) -> dict[str, Any]:
        assert dry_run, "a look changes nothing"
        if item["metadata"]["name"] == "lamps":
            return deepcopy(LIVE)
        if self.refusal:
            raise fail(self.refusal, "a second one is refused")
        return deepcopy(FRESH)


def test_a_look_at_an_object_finds_its_strays() -> None:
    (seen,) = look(Server(), [FRESH], "deploy")  # pyrefly: ignore
    assert {ownership.shown(stray.path) for stray in seen.strays} == EXPECTED
    assert not seen.same


def test_an_object_that_may_exist_only_once_has_nothing_to_be_compared_with() -> None:
    (seen,) = look(Server("ADMISSION_DENIED"), [FRESH], "deploy")  # pyrefly: ignore
    assert seen.strays == ()
    with pytest.raises(Failed):
        look(Server("CLUSTER_UNREACHABLE"), [FRESH], "deploy")  # pyrefly: ignore


def test_without_the_flag_strays_are_drift() -> None:
    with pytest.raises(Failed) as caught:
        changes([Look(FRESH, LIVE, LIVE, strays=strays_of(LIVE))])
    assert caught.value.failure.code == "DRIFT"
    assert all(any(path in line for line in caught.value.failure.evidence) for path in EXPECTED)


def test_with_the_flag_strays_are_a_change_that_names_them() -> None:
    seen = Look(FRESH, LIVE, LIVE, strays=strays_of(LIVE), force=True)
    (change,) = changes([seen])
    assert change.what == "Deployment/lamps"
    assert all(any(path in line for line in change.diff) for path in EXPECTED)
    assert all(path in removals([seen]) for path in EXPECTED)


def test_the_image_is_that_of_our_own_container() -> None:
    assert image_of(LIVE) == "x"
    assert image_of(None) == ""
