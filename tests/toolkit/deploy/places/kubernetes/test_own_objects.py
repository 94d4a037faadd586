"""Objects of the owner's own among those of the toolkit's templates."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.template import SERVICE
from toolkit.deploy.inventory.schema import KubernetesEnvironment
from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.kubernetes import manifests
from toolkit.deploy.places.kubernetes.labels import LABEL
from toolkit.deploy.places.kubernetes.leftovers import leftovers
from toolkit.deploy.places.kubernetes.naming import is_generated, is_migration, migration_in
from toolkit.deploy.places.kubernetes.objects import Object
from toolkit.deploy.spec import ReleaseSpec

OWN = """
apiVersion: batch/v1
kind: Job
metadata: {name: a-seed}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: seed, image: i}]}}}
"""


def rendered(folder: Path) -> list[Object]:
    base = {"name": "staging", "namespace": "n", "repository": "registry.example/lamps", "secret": {"name": "s"}}
    release = ReleaseSpec("lamps", KubernetesEnvironment.model_validate(base), "sha256:" + "a" * 64, {}, 2)
    return manifests.render(folder, release)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(SERVICE / "k8s", tmp_path / "k8s")
    (tmp_path / "k8s" / "a-seed.yaml.j2").write_text(OWN)
    return tmp_path


def test_the_migration_is_the_job_by_its_name(project: Path) -> None:
    """Not the first one: the owner's sorts before it."""
    found = rendered(project)
    jobs = [item for item in found if item["kind"] == "Job"]
    assert jobs[0]["metadata"]["name"] == "a-seed"
    assert not is_migration(jobs[0], "lamps")
    assert migration_in(found, "lamps") is jobs[1]


def test_without_it_the_other_jobs_are_listed(project: Path) -> None:
    others = [item for item in rendered(project) if not is_migration(item, "lamps")]
    with pytest.raises(Failed) as failed:
        migration_in(others, "lamps")
    assert failed.value.failure.code == "NO_MIGRATION_JOB"
    assert failed.value.failure.evidence == ("Jobs: a-seed",)


def test_whatever_a_release_has_carries_its_label(project: Path) -> None:
    """The label identifies objects that a later release drops."""
    assert {item["metadata"]["labels"][LABEL] for item in rendered(project)} == {"lamps"}


class Cluster:
    """Has these objects, whatever label is asked for."""

    def __init__(self, *items: Object) -> None:
        self.items = items

    def list(self, _: str, kind: str, __: str) -> list[Object]:
        return [item for item in self.items if item["kind"] == kind]

    def has(self, _: str) -> bool:
        return False  # no Gateway API


def test_leftovers_are_neither_migrations_nor_what_a_controller_made(project: Path) -> None:
    found = rendered(project)
    gone: Any = {"kind": "CronJob", "metadata": {"name": "gone", "labels": {}}}
    made: Any = {"kind": "Job", "metadata": {"name": "gone-1", "ownerReferences": [{"kind": "CronJob"}]}}
    cluster: Any = Cluster(*found, gone, made)
    wanted = [item for item in found if item["kind"] != "Job"]
    left = [item["metadata"]["name"] for item in leftovers(cluster, "lamps", wanted)]
    assert left == ["gone", "a-seed"]


@pytest.mark.parametrize(
    ("name", "generated"),
    [("lamps", True), ("lamps-0123456789", True), ("lamps-external", True), ("lamps-words", False), ("words", False)],
)
def test_configuration_of_the_toolkits_templates(name: str, generated: bool) -> None:
    assert is_generated({"metadata": {"name": name}}, "lamps") is generated
