"""The documents that a service is made with are true: links lead somewhere, tasks are there, commands are run."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.bakery import Bakery
from workshop import documents


@pytest.fixture(scope="module")
def service(bakery: Bakery) -> Path:
    return bakery.bake()


def test_the_links_lead_somewhere(service: Path) -> None:
    for page in documents.pages(service):
        assert documents.broken_links(page) == [], page.name


def test_every_shell_block_is_run_or_says_what_it_needs(service: Path) -> None:
    for page in documents.pages(service):
        for block in documents.shell_blocks(page):
            assert re.fullmatch(r"|serves|while serving|needs [\w ,-]+", block.mark), f"{page.name}:{block.line}"


def test_every_task_that_a_page_names_is_there(service: Path) -> None:
    command = [str(service / ".venv" / "bin" / "python"), "tasks.py", "--list", "--list-format=json"]
    done = subprocess.run(command, cwd=service, check=True, capture_output=True, text=True)
    tasks = documents.task_names(done.stdout)
    for page in documents.pages(service):
        assert {call.task for call in documents.calls(page)} <= tasks, page.name


# What an own endpoint is for: it is in the document of the application that the patched `app/main.py` makes.
PATHS = "import json; from app.main import create_app; print(json.dumps(list(create_app().openapi()['paths'])))"


@pytest.mark.parametrize("auth", ["jwt", "none"])
def test_an_own_endpoint_works_as_it_is_printed(bakery: Bakery, tmp_path: Path, auth: str) -> None:
    made = bakery.bake(auth=auth)
    copy = tmp_path / made.name
    shutil.copytree(made, copy, symlinks=True)
    written = documents.write_files(copy, documents.blocks(copy / "README.md"))
    assert written == ["app/api/v1/endpoints/counts.py", "app/main.py"]
    python = str(made / ".venv" / "bin" / "python")
    environment = {"PATH": "/usr/bin:/bin", "ENVIRONMENT": "local"}
    told = subprocess.run(
        [python, "-c", PATHS], cwd=copy, env=environment, check=True, capture_output=True, text=True
    ).stdout
    assert {"/api/v1/counts/fast", "/api/v1/counts/session"} <= set(json.loads(told.splitlines()[-1]))
    subprocess.run([python, "-m", "ruff", "check", *written], cwd=copy, check=True)
    subprocess.run([python, "-m", "ruff", "format", "--check", *written], cwd=copy, check=True)
