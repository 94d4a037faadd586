"""The documents that a service is made with are true: links lead somewhere, tasks are there, commands are run."""

import re
import subprocess
from pathlib import Path

import pytest

from deploy.checklist.written import task_names
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
    tasks = task_names(done.stdout)
    for page in documents.pages(service):
        assert {call.task for call in documents.calls(page)} <= tasks, page.name
