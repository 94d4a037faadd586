"""Previews of branches on a machine: made, deployed again after a push, removed by name or by age."""

import json
import re
import subprocess
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.support.machines import MachineStage, clear
from tests.support.running import PATIENCE
from tests.support.stage import POSTGRES, Ended

pytestmark = pytest.mark.drill(minutes=3)


@pytest.fixture
def branch(actor: MachineStage) -> Iterator[str]:
    name = f"Feature/{uuid.uuid4().hex[:8]}"
    yield name
    clear(actor.hosts[0], scope_of(name))


def scope_of(branch: str) -> str:
    return f"shop-preview-{branch.lower().replace('/', '-')}"


def task(stage: MachineStage, name: str, *arguments: str, image: str | None = None) -> Ended:
    made = replace(stage, more=(f"preview.database_image={POSTGRES}",))
    command = [part for part in made.command(name, *arguments, image=image) if part != "staging"]
    variables = {key: value for key, value in made.environment.items() if key != "DATABASE_URL"}
    done = subprocess.run(
        command, cwd=made.project, env=variables, capture_output=True, text=True, check=False, timeout=900
    )
    return Ended(done.returncode, done.stdout + done.stderr, 0)


def answered(url: str) -> str:
    with suppress(OSError, ValueError), urllib.request.urlopen(f"{url}/health", timeout=PATIENCE) as response:  # noqa: S310
        return str(json.load(response)["image_digest"])
    return ""


def left(stage: MachineStage, scope: str) -> str:
    script = (
        f"docker ps -aq --filter label=deploy.project={scope}; docker network ls -q --filter name={scope}; "
        f"docker volume ls -q --filter name={scope}; ls -d /var/lib/deploy/{scope} 2>/dev/null; true"
    )
    return stage.hosts[0].run(script)


def test_a_branch_has_its_own_version_and_database(running: MachineStage, branch: str) -> None:
    scope, name = scope_of(branch), branch.lower().replace("/", "-")
    made = task(running, "preview", branch, image="v1")
    assert made.code == 0, made
    (url,) = re.findall(r"^preview: (http://\S+)$", made.out, re.MULTILINE)
    assert answered(url) == running.images["v1"]
    psql = f"docker exec {scope}-postgres psql -U app -d app -Atc"
    running.hosts[0].run(f"{psql} 'create table kept (id int)'")

    pushed = task(running, "preview", branch, image="v2")
    assert pushed.code == 0, pushed
    assert answered(url) == running.images["v2"]
    assert running.served() == running.images["v1"]  # the base is another environment
    assert running.hosts[0].run(f"{psql} 'select count(*) from kept'").strip() == "0"  # noqa: S608
    assert name in task(running, "preview.list").out

    # Only a preview is ever removed by age, and only one whose time is over.
    assert task(running, "preview.expire").code == 0
    assert answered(url)
    marker = f"/var/lib/deploy/{scope}/preview.json"
    running.hosts[0].run(f'sed -i \'s/"expires": "[^"]*/"expires": "2026-01-01T00:00:00+00:00/\' {marker}')
    gone = task(running, "preview.expire")
    assert gone.code == 0, gone
    assert f"preview {name} is removed" in gone.out
    assert not left(running, scope)
    assert not answered(url)
    assert running.served() == running.images["v1"]
    again = task(running, "preview.remove", branch)
    assert again.code == 0, again
    assert "does not exist" in again.out


def test_a_project_of_others_is_left_alone(running: MachineStage, branch: str) -> None:
    scope = scope_of(branch)
    running.hosts[0].run(f"mkdir -p /var/lib/deploy/{scope}/history")
    for name in ("preview", "preview.remove"):
        refused = task(running, name, branch, image="v1")
        assert refused.code == 6, refused
        assert "NOT_A_PREVIEW" in refused.out
    assert left(running, scope)
