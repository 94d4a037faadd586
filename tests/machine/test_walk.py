"""README's "Deployment" of a service with place=machine and default answers, typed as it stands there."""

import json
import re
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest

from tests.support import provider
from tests.support.bakery import Bakery
from tests.support.machines import MachineStage, clear
from tests.support.provider import Provider
from tests.support.stage import REGISTRY, Ended
from workshop import documents

COMMANDS = re.compile(r"^(python3 tasks\.py .*|export .*)$", re.MULTILINE)


@pytest.mark.drill(minutes=5)
def test_from_a_machine_to_a_served_url(actor: MachineStage, bakery: Bakery, tmp_path: Path) -> None:
    """Given are a database, the identity provider's key, a registry, and a machine that ssh reaches."""
    baked = bakery.bake(project_name="Shop", place="machine")
    assert not (baked / "k8s").exists()
    assert not (baked / "helm").exists()
    project = tmp_path / "shop"
    shutil.copytree(baked, project, symlinks=True)
    with actor.fresh() as stage:
        own = f"{stage.name}-walk"
        variables = {
            **actor.environment,
            "DEPLOY_PROJECT": own,
            "DEPLOY_SSH_CONFIG": stage.hosts[0].config,
            "DEPLOY_PROXY__HTTP_PORT": str(stage.port),
            "DEPLOY_REPOSITORY": f"{REGISTRY}/test-{uuid.uuid4().hex[:8]}/shop",
        }
        blocks = [block for block in documents.blocks(project / "README.md") if block.mark == "needs a machine"]
        typed = COMMANDS.findall(blocks[0].text)
        assert len(typed) == 6
        assert "hosts" in in_shell(project, typed[:1], variables, code=6).out  # what the reader has to write first

        path = project / "deploy" / "inventory.yaml"
        production = path.read_text().rpartition("production:\n")[2]
        edited = production.replace("hosts: []", f"hosts: [{stage.hosts[0].ssh}]", 1)
        key = json.dumps(Provider(Path(stage.images.keys)).public_key)
        values = {"KEY": key, "ISSUER": provider.ISSUER, "AUDIENCE": provider.AUDIENCE}
        lines = "".join(f"\n    JWT_{name}: {value}" for name, value in values.items())
        edited = edited.replace("    LOG_LEVEL: INFO", f"    LOG_LEVEL: INFO{lines}", 1)
        path.write_text(path.read_text().removesuffix(production) + edited)
        commit = [
            "git",
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.com",
            "commit",
            "-qam",
            "Name the machine",
        ]
        subprocess.run(commit, cwd=project, check=True, env=actor.environment)

        filled = [line.replace("postgresql://USER:PASSWORD@HOST/DATABASE", stage.database) for line in typed]
        try:
            shown = in_shell(project, filled, variables)
            assert "image_digest" in in_shell(project, [f"curl -fs {stage.url}/health"], variables).out
            assert "1 of 1 ready" in shown.out
            history = in_shell(project, [filled[1], COMMANDS.findall(blocks[1].text)[0]], variables)
            assert "deployed" in history.out
        finally:
            clear(stage.hosts[0], own)


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
