"""Previews of branches: made, deployed again after a push, removed by name or by age; nothing is left behind."""

import json
import os
import subprocess
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.running import PATIENCE
from tests.support.stage import POSTGRES, Ended, Stage, run, until

pytestmark = [pytest.mark.drill(minutes=2), pytest.mark.needs("gateway")]

GATEWAY = os.environ.get("TEST_GATEWAY", "")


@pytest.fixture
def branch(actor: Stage) -> Iterator[str]:
    name = f"Feature/{uuid.uuid4().hex[:8]}"
    yield name
    scope = f"shop-preview-{name.lower().replace('/', '-')}"
    subprocess.run(
        ["kubectl", "delete", "namespace", scope, "--wait=false"], capture_output=True, check=False, timeout=PATIENCE
    )


def task(stage: Stage, name: str, *arguments: str, image: str | None = None, host: str = "{name}.example") -> Ended:
    keys = (
        f"preview.database_image={POSTGRES}",
        f"preview.host={host}",
        "ingress={class_name: traefik, host: staging.example}",
    )
    made = replace(stage, settings=(*stage.settings, *keys))
    command = made.command(name, *arguments, image=image)
    command = [part for part in command if part != "staging"]
    done = subprocess.run(
        command, cwd=made.project, env=made.environment, capture_output=True, text=True, check=False, timeout=600
    )
    return Ended(done.returncode, done.stdout + done.stderr, 0)


def answered(host: str, path: str = "/health") -> object:
    request = urllib.request.Request(f"http://{GATEWAY}{path}", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:  # noqa: S310
            return json.load(response)["image_digest"]
    except (urllib.error.URLError, ValueError, ConnectionError):
        return None


def objects(scope: str) -> str:
    return run("kubectl", "get", "namespace", scope, "--ignore-not-found", "-o", "name").strip()


def test_a_branch_has_its_own_version_and_database(actor: Stage, branch: str) -> None:
    if not GATEWAY:
        pytest.skip("no Gateway (TEST_GATEWAY)")
    name = branch.lower().replace("/", "-")
    scope, host = f"shop-preview-{name}", f"{name}.example"
    with actor.fresh() as staging:
        # The identity provider is that of the stage: the preview only has to start.
        made = task(staging, "preview", branch, image="v1")
        assert made.code == 0, made
        assert f"preview: http://{host}/" in made.out
        until(lambda: answered(host) == staging.images["v1"], PATIENCE, "the branch's version at its address")
        assert answered("another.example") is None  # the control
        preview = replace(staging, namespace=scope)
        password = preview.get("secret", "preview-database")["data"]["PASSWORD"]
        query = ("exec", "deployment/preview-database", "--", "psql", "-U", "postgres", "-d", "shop", "-Atc")
        preview.kubectl(*query, "create table kept (id int)")

        pushed = task(staging, "preview", branch, image="v2")
        assert pushed.code == 0, pushed
        until(lambda: answered(host) == staging.images["v2"], PATIENCE, "the pushed version")
        assert preview.kubectl(*query, "select count(*) from kept").strip() == "0"
        assert preview.get("secret", "preview-database")["data"]["PASSWORD"] == password
        assert name in task(staging, "preview.list").out

        # Only a preview is ever removed by age, and only one whose time is over.
        assert task(staging, "preview.expire").code == 0
        assert objects(scope)
        run("kubectl", "annotate", "namespace", scope, "--overwrite", "deploy/expires=2026-01-01T00:00:00+00:00")
        gone = task(staging, "preview.expire")
        assert gone.code == 0, gone
        assert f"preview {name} is removed" in gone.out
        assert not objects(scope)
        assert answered(host) is None
        assert objects(staging.namespace)
        again = task(staging, "preview.remove", branch)
        assert again.code == 0, again
        assert "does not exist" in again.out


def test_a_namespace_of_others_is_left_alone(actor: Stage, branch: str) -> None:
    scope = f"shop-preview-{branch.lower().replace('/', '-')}"
    run("kubectl", "create", "namespace", scope)
    for name in ("preview", "preview.remove"):
        refused = task(replace(actor, namespace="unused"), name, branch, image="v1")
        assert refused.code == 6, refused
        assert "NOT_A_PREVIEW" in refused.out
    assert objects(scope)
