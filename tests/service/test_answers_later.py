"""A changed answer, in a service with its owner's edits: it lints, and its own tests pass, in both directions."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import older
from tests.support.bakery import Bakery

ROOT = Path(__file__).resolve().parents[2]
WORDS = {
    "project_name": "Boutique",
    "description": "Sells things",
    "author": "Ada Example <ada@example.com>",
    "license": "Proprietary",
    "python_version": "3.11",
    "registry": "ghcr.io/team",
}
REVISION = ["?? alembic/versions/update_the_template.py"]


@pytest.mark.drill(minutes=4)
@pytest.mark.parametrize(
    ("made", "changed"),
    [
        ({"auth": "jwt"}, {"auth": "none"}),
        ({"auth": "none"}, {"auth": "jwt"}),
        ({"auth": "jwt"}, {"auth": "accounts"}),
        ({"auth": "none"}, {"auth": "accounts"}),
        ({"auth": "accounts"}, {"auth": "jwt"}),
        ({"auth": "accounts"}, {"auth": "none"}),
        ({"driver": "manifests"}, {"driver": "helm"}),
        ({"driver": "helm"}, {"driver": "manifests"}),
        ({"place": "kubernetes"}, {"place": "machine"}),
        ({"place": "machine"}, {"place": "kubernetes"}),
        ({"place": "kubernetes"}, {"place": "ecs"}),
        ({"place": "ecs"}, {"place": "cloudrun"}),
        ({"place": "cloudrun"}, {"place": "machine"}),
        ({"place": "machine"}, {"place": "ecs"}),
        ({"place": "cloudrun"}, {"place": "kubernetes"}),
        ({"ci": "github"}, {"ci": "gitlab"}),
        ({"ci": "gitlab"}, {"ci": "none"}),
        ({"ci": "none"}, {"ci": "github"}),
        ({"python_version": "3.13"}, WORDS),
        (WORDS, {"python_version": "3.13", "license": "Apache-2.0", "registry": "docker.io/example"}),
    ],
    ids=lambda answers: "-".join(answers.values()) if len(answers) == 1 else f"{len(answers)}-answers",
)
def test_a_service_with_another_answer_passes_its_tests(
    bakery: Bakery, made: dict[str, str], changed: dict[str, str], tmp_path: Path
) -> None:
    shop = tmp_path / "shop"
    bakery.copy(bakery.bake(**{"project_name": "Shop", **made}), shop)
    environment = {**bakery.environment, **older.AUTHOR}

    def task(folder: Path, *arguments: str) -> None:
        command = [sys.executable, "tasks.py", *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{arguments}\n{(done.stdout + done.stderr)[-4000:]}"

    task(shop, "resource.add", older.REVIEW)
    task(shop, "openapi")
    older.edit(shop / "app/main.py", lambda text: text.replace("from __future__", "# Ours\nfrom __future__", 1))
    older.edit(shop / "app/models/product.py", lambda text: text.rstrip() + "\n" + older.METHOD)
    older.commit_all(shop, "Rules of our own, and reviews")

    given = [part for question, answer in changed.items() for part in ("--answer", f"{question}={answer}")]
    task(ROOT, "update", str(shop), *given)
    assert older.METHOD in (shop / "app/models/product.py").read_text()
    auth = changed.get("auth", made.get("auth", "jwt"))
    for endpoints in ("products", "reviews"):
        assert ("requires(" in (shop / f"app/api/v1/endpoints/{endpoints}.py").read_text()) == (auth != "none")
    for arguments in (["setup"], ["migrate.new", "Update the template"], ["openapi"], ["format"], ["lint"]):
        task(shop, *arguments)
    # Only what the answers say has changed, and a revision for the tables of users alone.
    users = "accounts" in (auth, made.get("auth"))
    status = older.git(shop, "status", "--porcelain", "--", "alembic", "app", "tests", "toolkit").splitlines()
    assert [re.sub(r"versions/\w+?_\w{12}_", "versions/", line) for line in status] == REVISION * users
    task(shop, *(["test"] if "auth" in changed else ["test.unit"]))
