"""`python -m app COMMAND`: the answers that tools rely on (toolkit/README.md)."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


def run(*arguments: str, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", *arguments]
    environment = {"PYTHONPATH": str(ROOT), "ENVIRONMENT": "test", **variables}
    return subprocess.run(command, cwd=cwd, env=environment, check=False, capture_output=True, text=True)


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """a <- b in the folder alembic/versions."""
    versions = tmp_path / "alembic" / "versions"
    versions.mkdir(parents=True)
    (versions / "2.py").write_text('"""Add lamps"""\nrevision = "a"\ndown_revision = None\n')
    (versions / "1.py").write_text('# deploy: destructive\nrevision = "b"\ndown_revision = "a"\n')
    return versions


def revisions(versions: Path) -> dict[str, Any]:
    done = run("revisions", cwd=versions.parents[1])
    assert done.returncode == 0, done.stderr
    graph: dict[str, Any] = json.loads(done.stdout)
    return graph


def test_revisions_come_in_their_order(versions: Path) -> None:
    nothing: dict[str, Any] = {key: [] for key in ("parents", "depends_on", "labels", "contract_of", "ancestors")}
    nothing |= {"message": "", "marker": ""}
    assert revisions(versions) == {
        "revisions": [
            {**nothing, "id": "a", "path": "alembic/versions/2.py", "message": "Add lamps"},
            {
                **nothing,
                "id": "b",
                "path": "alembic/versions/1.py",
                "parents": ["a"],
                "marker": "destructive",
                "ancestors": ["a"],
            },
        ],
        "heads": ["b"],
        "error": "",
    }


def test_a_contract_revision_names_what_it_is_the_contract_of(versions: Path) -> None:
    (versions / "3.py").write_text('# deploy: contract b\nrevision = "c"\ndown_revision = "b"\n')
    assert [(each["marker"], each["contract_of"]) for each in revisions(versions)["revisions"]] == [
        ("", []),
        ("destructive", []),
        ("contract", ["b"]),
    ]


def test_two_heads_are_an_error_with_the_revisions(versions: Path) -> None:
    (versions / "3.py").write_text('revision = "c"\ndown_revision = "a"\n')
    graph = revisions(versions)
    assert graph["heads"] == ["b", "c"]
    assert "two heads: b (1.py) and c (3.py)" in str(graph["error"])


def test_files_that_cannot_be_read_are_an_error_alone(versions: Path) -> None:
    (versions / "3.py").write_text('revision = "c"\ndown_revision = "gone"\n')
    graph = revisions(versions)
    assert (graph["revisions"], graph["heads"]) == ([], [])
    assert "3.py builds on revision gone" in str(graph["error"])


def test_the_address_of_the_database_is_that_of_migrations() -> None:
    settings = {
        "DATABASE_URL": "postgresql://pooler/shop",
        "MIGRATION_DATABASE_URL": "postgres://me:x@db/shop?sslmode=require",
    }
    done = run("database-url", **settings)
    assert done.stdout == "postgresql://me:x@db/shop?sslmode=require\n"


def test_settings_that_allow_no_start_end_a_command_with_78() -> None:
    done = run("database-url", DATABASE_URL="no address")
    assert done.returncode == 78
    assert "DATABASE_URL" in done.stderr


def test_an_unknown_command_is_refused_with_those_there_are() -> None:
    done = run("revision")
    assert done.returncode == 2
    assert "Unknown command revision." in done.stderr
    assert "  revisions " in done.stderr
