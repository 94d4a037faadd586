"""A release of the first template's toolkit is followed by one of today's, after an update: no request fails."""

import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.support import older
from tests.support.bakery import Bakery
from tests.support.stage import QUICK, REGISTRY, Images, Stage, namespace

ROOT = Path(__file__).resolve().parents[2]
FIRST = "e0a3d81"
ANSWERS = {
    "project_name": "Shop",
    "auth": "none",
    "resources": "product: name:str(1..100) price:decimal(10,2)>0",
}
DRAIN = ("-e", "drain_seconds=8")
NEXT = (["setup"], ["migrate.new", "Update the template"], ["openapi"], ["format"])


@pytest.mark.alone  # serves under load
@pytest.mark.drill(minutes=8)
def test_an_updated_service_is_deployed_under_load(cluster: None, bakery: Bakery, tmp_path: Path) -> None:
    environment = {**bakery.environment, **older.AUTHOR}
    shop = older.make(ROOT, FIRST, tmp_path, ANSWERS)

    def task(folder: Path, *arguments: str) -> None:
        command = [sys.executable, "tasks.py", *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{arguments}\n{(done.stdout + done.stderr)[-4000:]}"

    task(shop, "setup")
    task(shop, "resource.add", older.REVIEW)
    older.commit_all(shop, "Reviews")
    with namespace(f"test-{uuid.uuid4().hex[:8]}") as name:
        stage = Stage(name, shop, Images(f"{REGISTRY}/{name}/shop"), environment, QUICK)
        released = stage.task("deploy", "--yes", *DRAIN)
        assert released.code == 0, released
        before = stage.image_of_deployment()
        created = stage.http("/api/v1/reviews", {"stars": 4, "text": "Bright"})

        task(ROOT, "update", str(shop))
        for arguments in NEXT:
            task(shop, *arguments)
        older.commit_all(shop, "Follow the template")
        with stage.load(rate=60) as load:
            updated = stage.task("deploy", "--yes", *DRAIN)
        print(f"{load.sent} requests, failures {dict(load.failures)}, slowest {load.slowest:.2f} s\n{updated}")
        assert updated.code == 0, updated
        assert not load.failures
        assert load.sent > 100
        assert stage.image_of_deployment() != before
        assert stage.http(f"/api/v1/reviews/{created['id']}")["text"] == "Bright"
        again = stage.task("deploy", "--yes", *DRAIN)
        assert again.code == 0, again
        assert "changed=0" in again.out
