"""The other tasks of a service, run as a person runs them."""

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.bakery import Bakery
from tests.support.running import processes, wait_for

Task = Callable[..., subprocess.CompletedProcess[str]]
# Prints the name of a table that `migrate` has made, and ends with an exit code of its own.
LOOKS = """
import asyncio

from sqlalchemy import text

from app.core.config import get_settings
from app.core.database import Database, make_engine


async def main() -> None:
    async with Database(make_engine(get_settings())).session() as session:
        print("found", await session.scalar(text("SELECT CAST(to_regclass('products') AS text)")))


asyncio.run(main())
raise SystemExit(5)
"""
REVIEW = "review: product:ref(product) stars:int>=1<=5 text:text?"


def git(service: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    return subprocess.run(
        ["git", *identity, *arguments], cwd=service, check=True, capture_output=True, text=True
    ).stdout


def test_add_a_resource(task: Task, service: Path) -> None:
    shown = task("resource.add", REVIEW, "--check", "--diff")
    assert shown.returncode == 2, shown.stderr
    assert "+class Review(" in shown.stdout
    assert git(service, "status", "--porcelain") == ""

    added = task("resource.add", REVIEW)
    assert added.returncode == 0, added.stderr
    revisions = git(service, "status", "--porcelain", "-uall", "alembic").splitlines()
    assert len(revisions) == 1
    git(service, "add", "--all")
    git(service, "commit", "--quiet", "--message", "Add reviews")

    again = task("resource.add", REVIEW)
    assert again.returncode == 0, again.stderr
    assert git(service, "status", "--porcelain") == ""
    assert task("resource.add", REVIEW, "--check").returncode == 0
    assert task("migrate").returncode == 0
    assert task("openapi", "--check").returncode == 0
    assert '"/api/v1/reviews"' in (service / "docs" / "openapi.json").read_text()
    assert task("lint").returncode == 0


def test_a_faulty_resource_changes_nothing(task: Task, service: Path) -> None:
    refused = task("resource.add", "review: stars:integer maker:ref(nobody)")
    assert refused.returncode == 1
    assert "integer" in refused.stderr
    assert "nobody" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert git(service, "status", "--porcelain") == ""


def test_migrations(task: Task, service: Path) -> None:
    assert task("migrate").returncode == 0
    nothing = task("migrate.new", "nothing new")
    assert nothing.returncode == 0, nothing.stderr
    assert git(service, "status", "--porcelain") == ""
    linted = task("migrate.lint")
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_a_module_runs_on_the_database_that_migrate_has_migrated(task: Task, service: Path) -> None:
    assert task("migrate").returncode == 0
    (service / "app" / "looks.py").write_text(LOOKS)
    done = task("run", "app.looks")
    assert done.returncode == 5, done.stderr
    assert done.stdout.splitlines()[-1] == "found products"


@pytest.mark.parametrize("name", ["dev", "resource.add", "test", "migrate.new"])
def test_help_is_help(bakery: Bakery, name: str) -> None:
    """Invoke takes `TASK --help` for an argument where the task has a positional one."""
    asked = bakery.run([sys.executable, "tasks.py", name, "--help"], cwd=bakery.bake())
    assert asked.returncode == 0, asked.stderr
    assert "Docstring" in asked.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc, which Linux has")
def test_ctrl_c_ends_the_tests_and_all_that_they_started(bakery: Bakery, service: Path, task: Task) -> None:
    task("--list")
    log = service.parent / "test.log"
    with log.open("wb") as output:
        command = [sys.executable, "tasks.py", "test.integration"]
        running = subprocess.Popen(
            command, cwd=service, env=bakery.environment, stdout=output, stderr=output, start_new_session=True
        )
    wait_for(lambda: b"....." in log.read_bytes(), "the first tests are through")
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(60) == 130
    wait_for(lambda: not processes(str(service)), "no process of the service is left")


def test_a_token_stands_alone_on_the_last_line(task: Task) -> None:
    some, every = task("token", "--scope", "products:read"), task("token", "--all")
    for done in (some, every):
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1].count(".") == 2
    assert task("token").returncode == 1


def test_the_environment_is_not_made_again_when_all_is_there(task: Task) -> None:
    task("--list")
    again = task("--list")
    assert again.returncode == 0
    assert "Creating the environment" not in again.stderr


def test_a_task_is_a_facade(bakery: Bakery) -> None:
    """A docstring and at most five lines; what it does lies in a module."""
    for path in (bakery.root / "tasks.py", bakery.bake() / "tasks.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno is not None
                assert ast.get_docstring(node), f"{path.name}: {node.name}"
                assert node.end_lineno - node.body[1].lineno < 5, f"{path.name}: {node.name}"


def test_setup_reports_code_that_does_not_run_without_a_traceback(task: Task, service: Path) -> None:
    main, document = service / "app" / "main.py", service / "docs" / "openapi.json"
    code, text = main.read_text(), document.read_text()
    try:
        document.unlink()
        main.write_text(code + "def broken(:\n")
        done = task("setup")
    finally:
        main.write_text(code)
        document.write_text(text)
    assert done.returncode == 1
    assert "invalid syntax" in done.stderr
    assert "Correct the code" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
