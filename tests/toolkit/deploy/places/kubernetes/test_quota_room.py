"""Quotas that count objects, and what a release adds to them."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from toolkit.deploy.inventory.schema import KubernetesEnvironment
from toolkit.deploy.outcomes import Change, Failed, Plan
from toolkit.deploy.places.kubernetes import quota_room, quotas
from toolkit.deploy.places.kubernetes.naming import migration
from toolkit.deploy.records import ReleaseRecord
from toolkit.deploy.release.state import Known, Target
from toolkit.deploy.release.steps.record import Record
from toolkit.deploy.spec import ReleaseSpec

if TYPE_CHECKING:
    from toolkit.deploy.release.settings import Check
    from toolkit.deploy.report import Report

CHANGED, NOTHING = Plan((Change("update", "Deployment/shop"),)), Plan()
SPEC = {"backoffLimit": 0}
OBJECTS = [
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop-1"}},
    {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": migration("shop", SPEC)}, "spec": SPEC},
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}},
]


def quota(hard: dict[str, str], used: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"name": "tight"}, "status": {"hard": hard, "used": used}}


class Cluster:
    """`existing` are there; `limits` are the quotas. Counts what it is asked for."""

    def __init__(self, existing: set[str], limits: list[dict[str, Any]]) -> None:
        self.existing, self.limits, self.asked = existing, limits, 0

    def get(self, _: str, kind: str, name: str) -> Any:
        self.asked += 1
        return {} if f"{kind}/{name}" in self.existing else None

    def list(self, *_: str) -> list[dict[str, Any]]:
        return self.limits


SPEC_OF_SHOP = {"name": "staging", "namespace": "n", "repository": "r", "secret": {"name": "s"}, "history": 2}


def place(cluster: Cluster, driver: str = "manifests", records: int = 1) -> Any:
    past = [ReleaseRecord(number, "d", "i", "deployed", driver) for number in range(1, records + 1)]
    environment = KubernetesEnvironment.model_validate({**SPEC_OF_SHOP, "driver": driver})
    made: Any = SimpleNamespace(cluster=cluster, environment=environment, service="shop", namespace_missing=False)
    made.objects, made.records, made.is_recorded = lambda _: OBJECTS, lambda: past, lambda *_: True
    made.shortages = partial(quota_room.shortages, made)
    return made


def spec(driver: str = "manifests") -> ReleaseSpec:
    return ReleaseSpec("shop", KubernetesEnvironment.model_validate({**SPEC_OF_SHOP, "driver": driver}), "d")


def recording(limits: list[dict[str, Any]], plans: dict[str, Plan], **known: Any) -> Plan:
    """The plan of the record step for release 1, deployed again."""
    at = place(Cluster({"Deployment/shop"}, limits))
    target = Target(Path(), "shop", at.environment, at, cast("Report", None), cast("Check", None))
    return Record().observe(target, Known(digest="d", plans=plans, **known)).plan()


LIMITS = [quota({"count/configmaps": "5"}, {"count/configmaps": "4"})]
EVERYTHING = {"config": CHANGED, "migrate": CHANGED, "release": CHANGED, "rollout": CHANGED}


@pytest.mark.parametrize(
    ("plans", "driver", "records", "counts"),
    [
        (EVERYTHING, "manifests", 1, {"ConfigMap": 2, "Job": 1, "ReplicaSet": 1}),
        (EVERYTHING, "helm", 1, {"ConfigMap": 2, "Job": 1, "ReplicaSet": 1, "Secret": 1}),
        (EVERYTHING, "manifests", 2, {"ConfigMap": 1, "Job": 1, "ReplicaSet": 1}),  # an old record goes first
        ({"migrate": NOTHING, "release": NOTHING}, "manifests", 1, {"ConfigMap": 2}),
        ({}, "manifests", 1, {"ConfigMap": 2, "Job": 1, "ReplicaSet": 1}),  # the image is not built yet
    ],
)
def test_what_a_release_adds(plans: dict[str, Plan], driver: str, records: int, counts: dict[str, int]) -> None:
    at, known = place(Cluster({"Deployment/shop"}, []), driver, records), Known(plans=plans)
    migrates = not known.plan_of("migrate").empty
    found = quota_room.added(at, spec(driver), migrates=migrates, release=known.plan_of("release"))
    assert {kind: number for kind, number in found.items() if number} == counts


def test_nothing_is_asked_where_no_quota_counts() -> None:
    cluster = Cluster(set(), [quota({"requests.cpu": "1"}, {})])
    assert quota_room.shortages(place(cluster), spec(), migrates=True, release=CHANGED) == []
    assert cluster.asked == 0


def test_a_release_without_room_for_its_record_is_refused_before_it_begins() -> None:
    with pytest.raises(Failed) as failed:
        recording(LIMITS, EVERYTHING)
    assert failed.value.failure.code == "QUOTA"
    assert failed.value.failure.evidence == ("quota tight: count/configmaps 4 of 5 used, a release needs 2 more",)


def test_what_has_nothing_to_record_needs_no_room() -> None:
    assert recording(LIMITS, dict.fromkeys(EVERYTHING, NOTHING)).empty


def test_a_release_that_serves_is_not_asked_again() -> None:
    assert not recording(LIMITS, EVERYTHING, touched=True).empty


@pytest.mark.parametrize("name", ["configmaps", "count/configmaps"])
def test_both_names_of_a_count(name: str) -> None:
    limits = [quota({name: "2"}, {name: "2"})]
    assert quotas.counts_objects(limits)
    assert len(list(quotas.object_shortages({"ConfigMap": 1}, limits))) == 1
    assert list(quotas.object_shortages({"ConfigMap": 0, "Secret": 9, "Unknown": 3}, limits)) == []
