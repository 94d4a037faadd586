"""README's "Deployment" of a service with place=cloudrun and default answers, typed as it stands there."""

import base64
import json
import re
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest

from tests.support import provider
from tests.support.bakery import Bakery
from tests.support.cloudrun import DATABASE, ENDPOINT, INGRESS, CloudRunStage
from tests.support.provider import Provider
from tests.support.stage import REGISTRY, Ended
from workshop import documents

COMMANDS = re.compile(r"^(python3 tasks\.py .*|export .*)$", re.MULTILINE)
NAME = "shop-production"


@pytest.mark.drill(minutes=2)
def test_from_a_project_to_a_served_url(actor: CloudRunStage, bakery: Bakery, tmp_path: Path) -> None:
    """Given are a project, a database, the identity provider's key, and a registry."""
    baked = bakery.bake(project_name="Shop", place="cloudrun")
    assert not (baked / "k8s").exists()
    assert not (baked / "helm").exists()
    project = tmp_path / "shop"
    shutil.copytree(baked, project, symlinks=True)
    blocks = [
        block for block in documents.blocks(project / "README.md") if block.mark == "needs a project of Google Cloud"
    ]
    first, later = (COMMANDS.findall(block.text) for block in blocks[:2])
    assert len(first) == 4
    with actor.fresh() as stage:
        variables = {
            **stage.variables,
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN": f"{ENDPOINT}/",
            "DEPLOY_REPOSITORY": f"{REGISTRY}/test-{uuid.uuid4().hex[:8]}/shop",
        }
        assert "project" in in_shell(project, first[:1], variables, code=6).out  # what the reader has to write first

        edit(project, "  # project: my-project-production", f"  project: {stage.name}")
        key = json.dumps(Provider(Path(stage.images.keys)).public_key)
        values = {"KEY": key, "ISSUER": provider.ISSUER, "AUDIENCE": provider.AUDIENCE}
        lines = "".join(f"\n    JWT_{name}: {value}" for name, value in values.items())
        edit(project, "    LOG_LEVEL: INFO", f"    LOG_LEVEL: INFO{lines}")
        commit = [
            "git",
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.com",
            "commit",
            "-qam",
            "Name the project",
        ]
        subprocess.run(commit, cwd=project, check=True, env=actor.environment)

        missing = in_shell(project, first[:1], variables, code=6)
        assert "SECRET_NOT_FOUND" in missing.out
        assert "gcloud secrets create" in missing.out
        secret = {"1": base64.b64encode(DATABASE.encode()).decode()}
        manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "shop-database-url"}, "data": secret}
        stage.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))  # what that command does

        checked = in_shell(project, first[:1], variables)
        assert "not deployed yet" in checked.out
        shown = in_shell(project, first[1:], variables)
        assert "1 of 1 ready" in shown.out
        assert DATABASE not in checked.out + shown.out
        health = in_shell(
            project, [f"curl -fs -H 'Host: {NAME}.{stage.name}.run.test' http://{INGRESS}/health"], variables
        )
        assert "image_digest" in health.out
        history = in_shell(project, later[:1], variables)
        assert "deployed" in history.out
        refused = in_shell(project, later[1:], variables, code=6)
        assert "NOTHING_TO_ROLL_BACK_TO" in refused.out


def edit(project: Path, old: str, new: str) -> None:
    """Edit the environment `production`, which is the last one."""
    path = project / "deploy" / "inventory.yaml"
    before, mark, production = path.read_text().rpartition("production:\n")
    assert production.count(old) == 1, production
    path.write_text(before + mark + production.replace(old, new))


def in_shell(project: Path, lines: list[str], variables: dict[str, str], code: int = 0) -> Ended:
    done = subprocess.run(
        ["/bin/sh", "-ec", "\n".join(lines)],
        cwd=project,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    ended = Ended(done.returncode, done.stdout + done.stderr, 0)
    assert ended.code == code, ended
    return ended
