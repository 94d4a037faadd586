"""`template.update` as an owner runs it: a service made from a clone of the template, which then moves on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import older
from tests.support.bakery import Bakery

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.drill(minutes=2)
def test_a_service_takes_up_what_is_new(bakery: Bakery, tmp_path: Path) -> None:
    template = tmp_path / "template"
    older.git(tmp_path, "clone", "--quiet", str(ROOT), str(template))
    older.git(template, "remote", "remove", "origin")
    environment = {**bakery.environment, **older.AUTHOR}
    command = [sys.executable, "-P", "-m", "cookiecutter", str(template), "--no-input", "-o", str(tmp_path / "out")]
    made = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    shop = tmp_path / "out" / "product-catalogue"

    def update(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "tasks.py", "template.update", *arguments],
            cwd=shop,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )

    assert update("--check").returncode == 0
    with (template / "<<cookiecutter.project_slug>>" / "entrypoint.sh").open("a") as script:
        script.write("# new in the template\n")
    older.commit_all(template, "Say more in the entry point")
    older.git(template, "tag", "v9.9.9")

    checked = update("--check")
    assert checked.returncode == 2, checked.stdout + checked.stderr
    assert "- Say more in the entry point" in checked.stdout
    assert update("--to", "v0.0.0").returncode == 1
    done = update("--to", "v9.9.9")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (shop / "entrypoint.sh").read_text().endswith("# new in the template\n")
    assert older.git(shop, "status", "--porcelain") == ""
    assert "Up to date" in update().stdout

    for line in ("One", "Two"):
        older.edit(
            template / "<<cookiecutter.project_slug>>/entrypoint.sh", lambda text, line=line: f"{text}# {line}\n"
        )
        older.commit_all(template, line)
    done = update("--to", older.git(template, "rev-parse", "HEAD~1"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (shop / "entrypoint.sh").read_text().endswith("# One\n")

    (shop / "note.txt").write_text(os.linesep)
    refused = update()
    assert refused.returncode == 1
    assert "uncommitted changes" in refused.stderr
    gone = update("--from", str(tmp_path / "nowhere"))
    assert gone.returncode == 1
    assert "cannot be fetched" in gone.stderr
    assert "Traceback" not in gone.stderr + refused.stderr


@pytest.mark.drill(minutes=4)
def test_the_tests_of_an_updated_service_pass(bakery: Bakery, tmp_path: Path) -> None:
    """One from before the toolkit had a folder, with edits of its owner's and a resource added later."""
    answers = {"project_name": "Shop", "resources": "product: name:str(1..100) price:decimal(10,2)>0"}
    shop = older.owned(older.make(ROOT, "e0a3d81", tmp_path, answers))
    environment = {**bakery.environment, **older.AUTHOR}

    def task(folder: Path, *arguments: str) -> None:
        command = [sys.executable, "tasks.py", *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]

    task(ROOT, "update", str(shop))
    for arguments in (["setup"], ["migrate.new", "Update the template"], ["openapi"], ["format"], ["lint"], ["test"]):
        task(shop, *arguments)
