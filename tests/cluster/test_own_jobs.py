"""The owner's own Jobs and CronJobs, with both drivers: shown, applied, replaced, pruned, undone; not the migration."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.bakery import Bakery
from tests.support.stage import Stage

pytestmark = pytest.mark.drill

# Sorts before shop-migrate-...
JOB = """
apiVersion: v1
kind: ConfigMap
metadata: {name: a-words}
data: {said: WORDS}
---
apiVersion: batch/v1
kind: Job
metadata: {name: a-seed}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: seed, image: "IMAGE", command: [echo, WORDS], envFrom: [{configMapRef: {name: a-words}}]}]
"""
CRON = """
apiVersion: batch/v1
kind: CronJob
metadata: {name: a-report}
spec:
  schedule: "0 3 1 1 *"
  jobTemplate:
    spec:
      template:
        spec: {restartPolicy: Never, containers: [{name: report, image: "IMAGE", command: [echo, report]}]}
"""
FOLDERS = {"manifests": "k8s/{}.yaml.j2", "helm": "helm/templates/{}.yaml"}


@pytest.fixture(scope="module", params=["manifests", "helm"])
def owned(
    request: pytest.FixtureRequest, actor: Stage, bakery: Bakery, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """A released service, in a checkout that a test may edit."""
    baked = actor.project if request.param == "manifests" else bakery.bake(project_name="Shop", driver="helm")
    project = tmp_path_factory.mktemp(request.param) / "shop"
    shutil.copytree(baked, project, symlinks=True, ignore=shutil.ignore_patterns(".dev"))
    shutil.rmtree(project / "alembic" / "versions")
    shutil.copytree(actor.project / "alembic" / "versions", project / "alembic" / "versions")
    with actor.fresh() as stage:
        made = replace(stage, project=project)
        write(made, request.param, words="first")
        ended = made.deploy("v1")
        assert ended.code == 0, ended
        yield made


def driver(stage: Stage) -> str:
    return "helm" if (stage.project / "helm").is_dir() else "manifests"


def write(stage: Stage, kind: str, words: str) -> None:
    image = f"{stage.images.repository}@{stage.images['v1']}"
    for name, text in (("a-seed", JOB), ("a-report", CRON)):
        path = Path(stage.project, FOLDERS[kind].format(name))
        path.write_text(text.replace("IMAGE", image).replace("WORDS", words))


def names(stage: Stage, kind: str) -> set[str]:
    return {item["metadata"]["name"] for item in stage.get(kind)["items"]}


def said(stage: Stage) -> str:
    return stage.get("job", "a-seed")["spec"]["template"]["spec"]["containers"][0]["command"][1]


def test_they_are_objects_like_the_rest(owned: Stage) -> None:
    kind = driver(owned)
    # The migration ran as the migration, and the foreign Job as itself.
    assert owned.sql("select version_num from alembic_version") == owned.http("/ready")["schema"]
    assert names(owned, "cronjobs") == {"a-report"}
    assert said(owned) == "first"
    assert owned.get("configmap", "a-words")["data"] == {"said": "first"}
    assert any(name.startswith("shop-migrate-") for name in names(owned, "jobs"))
    again = owned.deploy("v1")
    assert "changed=0" in again.out, again

    # Another template: the Job is replaced, as it cannot be changed, and that is shown before.
    first = owned.get("job", "a-seed")["metadata"]["uid"]
    write(owned, kind, words="second")
    shown = owned.task("deploy", "--check", "--diff", "--exit-code", image="v1")
    assert shown.code == 2, shown
    assert "replace Job/a-seed" in shown.out
    assert "second" in shown.out
    ended = owned.deploy("v1")
    assert ended.code == 0, ended
    assert said(owned) == "second"
    assert owned.get("job", "a-seed")["metadata"]["uid"] != first

    # A release that fails takes its changes back.
    write(owned, kind, words="third")
    (owned.project / FOLDERS[kind].format("b-new")).write_text(
        CRON.replace("a-report", "b-new").replace("IMAGE", f"{owned.images.repository}@{owned.images['v1']}")
    )
    crashed = owned.deploy("crash")
    assert crashed.code == 3, crashed
    assert said(owned) == "second"
    assert names(owned, "cronjobs") == {"a-report"}
    assert owned.get("configmap", "a-words")["data"] == {"said": "second"}

    # What the checkout no longer has goes.
    for path in ("a-seed", "a-report", "b-new"):
        (owned.project / FOLDERS[kind].format(path)).unlink()
    gone = owned.task("deploy", "--check", image="v1")
    assert "delete Job/a-seed" in gone.out, gone
    assert "delete CronJob/a-report" in gone.out, gone
    assert owned.deploy("v1").code == 0
    assert "a-seed" not in names(owned, "jobs")
    if kind == "helm":  # with manifests it goes with the last record that refers to it
        assert "a-words" not in names(owned, "configmaps")
    assert names(owned, "cronjobs") == set()
    again = owned.deploy("v1")
    assert "changed=0" in again.out, again


def test_a_character_beyond_the_first_plane_arrives(owned: Stage) -> None:
    """As one character: the API server takes an apply for YAML, in which two escaped surrogates are none."""
    ended = owned.deploy("v1", "-e", "settings.PROJECT_NAME=Lamps \U0001f4a1")
    assert ended.code == 0, ended
    held = [item.get("data", {}).get("PROJECT_NAME") for item in owned.get("configmaps")["items"]]
    assert "Lamps \U0001f4a1" in held


def test_a_missing_migration_is_refused(owned: Stage) -> None:
    template = next(owned.project.glob("*/database-migration-job.yaml.j2"), None)
    if template is None:
        template = owned.project / "helm" / "templates" / "database-migration-job.yaml"
        kept = template.read_text()
        changed = kept.replace('name: {{ include "service.jobName" . }}', "name: other")
    else:
        kept = template.read_text()
        changed = kept.replace("name: {{ name }}-migrate\n", "name: other\n")
    assert changed != kept
    before = owned.versions()
    template.write_text(changed)
    try:
        ended = owned.deploy("v2")
    finally:
        template.write_text(kept)
    assert ended.code == 6, ended
    assert "NO_MIGRATION_JOB" in ended.out
    assert owned.versions() == before
