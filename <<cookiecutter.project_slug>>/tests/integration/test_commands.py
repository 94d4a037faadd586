"""The programs that the container and the toolkit start: migrations, `python -m app COMMAND`, the health probe."""

import asyncio
import json
import os
import subprocess
import sys
import uuid

import asyncpg
import pytest

from app.core.config import Settings
from tests.support import databases
from tests.support.service import free_port, running
from tests.support.waiting import PATIENCE


async def run(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """`python -m ...` in the service's folder."""
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", *arguments],
        cwd=databases.ROOT,
        env={**os.environ, **variables},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


async def test_migrations_bring_an_empty_database_to_head() -> None:
    url = await databases.create_empty(uuid.uuid4().hex[:12])
    done = await run("alembic", "upgrade", "head", DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT to_regclass('idempotency_keys')")
    await connection.close()
    await databases.drop(url)


async def test_check_reports_a_setting_that_does_not_exist() -> None:
    given = {"settings": {"ENVIRONMENT": "staging", "LOG_LEVL": "INFO"}, "secrets": {}, "hidden": ["DATABASE_URL"]}
    done = await run("app", "check", stdin=json.dumps(given))
    assert done.returncode == 0, done.stderr
    assert "LOG_LEVL" in {problem["setting"] for problem in json.loads(done.stdout)["problems"]}


@pytest.mark.parametrize("command", ["example", "revisions"])
async def test_a_command_prints_json(settings: Settings, command: str) -> None:
    done = await run("app", command)
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout), dict | list)


async def test_the_address_that_migrations_use_is_printed() -> None:
    url = "postgresql://shop:secret@db.example.com/shop"
    done = await run("app", "database-url", DATABASE_URL=url)
    assert (done.returncode, done.stdout.strip()) == (0, url)


async def test_an_unknown_command_is_refused() -> None:
    done = await run("app", "chek")
    assert done.returncode == 2
    assert "Unknown command chek" in done.stderr


async def test_the_probe_of_the_container(own_database: str) -> None:
    with running(own_database) as service:
        _, port = service.address
        assert (await run("app.probe", PORT=str(port))).returncode == 0
    assert (await run("app.probe", PORT=str(free_port()))).returncode == 1
