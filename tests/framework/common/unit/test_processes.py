"""Processes of their own: what an import loads, and how one ends that cannot start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.config import EXIT_CONFIGURATION

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("alembic", "sqlalchemy", "pydantic", "fastapi", "deploy", "dev")


@pytest.mark.parametrize(("module", "loads"), [("app.db.revisions", False), ("app.db.schema", True)])
def test_the_reader_loads_nothing_heavy(module: str, loads: bool) -> None:
    code = f"import sys, {module}; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert bool(done.stdout.split()) is loads


def test_the_process_leaves_without_a_traceback() -> None:
    environment = {"PATH": os.environ["PATH"], "ENVIRONMENT": "production", "DATABASE_URL": "hidden-word"}
    done = subprocess.run(
        [sys.executable, "-m", "app"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == EXIT_CONFIGURATION
    assert "DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr
    assert "hidden-word" not in done.stderr + done.stdout
