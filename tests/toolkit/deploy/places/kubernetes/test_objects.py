"""Objects: noise left out, secrets masked, conflicts told."""

from typing import Any

import pytest

from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.kubernetes import objects
from toolkit.deploy.places.kubernetes.apply import Look, changes


def secret(**data: str) -> dict[str, Any]:
    return {"kind": "Secret", "metadata": {"name": "s"}, "data": data}


LIVE = {
    "kind": "Deployment",
    "metadata": {
        "name": "lamps",
        "uid": "1",
        "resourceVersion": "7",
        "generation": 3,
        "annotations": {"deployment.kubernetes.io/revision": "3"},
        "managedFields": [
            {"manager": "deploy", "time": "t1", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "kubectl-set", "time": "2026-01-02T03:04:05Z", "fieldsV1": {"f:spec": {"f:template": {}}}},
        ],
    },
    "spec": {"replicas": 2},
    "status": {"replicas": 2},
}


def test_what_the_server_keeps_is_no_difference() -> None:
    planned = {**LIVE, "metadata": {"name": "lamps", "resourceVersion": "8"}, "status": {}}
    assert not objects.differs(LIVE, planned)
    assert objects.differs(LIVE, {**planned, "spec": {"replicas": 3}})


def test_a_diff_shows_lines() -> None:
    assert objects.diff(LIVE, {**LIVE, "spec": {"replicas": 3}})[-2:] == ("-  replicas: 2", "+  replicas: 3")
    assert all(line.startswith(("+", "@")) for line in objects.diff(None, LIVE))


def test_values_of_a_secret_are_shown_as_changed_or_same() -> None:
    shown = "\n".join(objects.diff(secret(A="b2xk", B="c2FtZQ=="), secret(A="bmV3", B="c2FtZQ==", C="bW9yZQ==")))
    assert "+  A: <changed>" in shown
    assert "+  C: <changed>" in shown
    assert not {"b2xk", "bmV3", "c2FtZQ==", "bW9yZQ=="} & set(shown.split())


def test_owners_of_a_field() -> None:
    assert objects.owner_of(LIVE, ("spec", "replicas")) == {"deploy"}
    assert objects.owner_of(LIVE, ("spec", "paused")) == set()


def test_a_conflict_names_field_manager_and_time() -> None:
    cause = {
        "reason": "FieldManagerConflict",
        "field": ".spec.template",
        "message": 'conflict with "kubectl-set" using apps/v1',
    }
    (conflict,) = objects.conflicts({"details": {"causes": [cause]}}, LIVE)
    assert str(conflict) == ".spec.template is set by kubectl-set since 2026-01-02T03:04:05Z"
    with pytest.raises(Failed) as caught:
        changes([Look(LIVE, LIVE, LIVE, (conflict,))])
    assert caught.value.failure.code == "DRIFT"
    assert caught.value.failure.evidence == (f"Deployment/lamps {conflict}",)


def test_changes_of_looks() -> None:
    other = {**LIVE, "spec": {"replicas": 3}}
    found = changes([Look(LIVE, LIVE, LIVE), Look(other, LIVE, other), Look(LIVE, None, None)])
    assert [(change.action, change.what) for change in found] == [
        ("update", "Deployment/lamps"),
        ("create", "Deployment/lamps"),
    ]


def test_order_is_that_of_reference() -> None:
    kinds = ["Ingress", "Deployment", "Job", "ConfigMap", "Namespace"]
    items = [{"kind": kind, "metadata": {"name": "x"}} for kind in kinds]
    assert [item["kind"] for item in objects.ordered(items)] == kinds[::-1]


@pytest.mark.parametrize(
    ("document", "missing"),
    [
        ({"apiVersion": "v1", "kind": "Job", "metadata": {"generateName": "seed-"}}, "metadata.name"),
        ({"kind": "Job", "metadata": {"name": "seed"}}, "apiVersion"),
        ({"metadata": None}, "apiVersion, kind, metadata.name"),
        ("just words", "apiVersion, kind, metadata.name"),
        ([1], "apiVersion, kind, metadata.name"),
    ],
)
def test_a_document_that_is_no_object_is_refused(document: Any, missing: str) -> None:
    with pytest.raises(Failed) as failed:
        objects.checked([document], "k8s/seed.yaml.j2")
    assert failed.value.failure.code == "MANIFEST_INVALID"
    assert f"k8s/seed.yaml.j2 has a document without {missing}:" in failed.value.failure.message


def test_what_the_server_makes_up_for_a_job_is_no_difference() -> None:
    """Each dry run has another selector."""

    def tried(uid: str, image: str = "i") -> Any:
        labels = {"batch.kubernetes.io/controller-uid": uid, "job-name": uid, "own": "label"}
        pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"image": image}]}}
        return {
            "kind": "Job",
            "metadata": {"name": "j"},
            "spec": {"selector": {"matchLabels": {"x": uid}}, "template": pod},
        }

    assert not objects.differs(tried("a"), tried("b"))
    assert objects.differs(tried("a"), tried("a", image="other"))
