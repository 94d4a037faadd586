"""The programs that the container and the toolkit start: migrations, `python -m app COMMAND`, the health probe."""

import asyncio
import io
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable

import asyncpg
import pytest

from app import __main__
from tests.support import databases
from tests.support.applications import environment
from tests.support.service import free_port, running, unmeasured
from tests.support.waiting import PATIENCE


async def run(
    *arguments: str, stdin: str = "", measured: bool = False, **variables: str
) -> subprocess.CompletedProcess[str]:
    """`python -m ...` in the service's folder."""
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", *arguments],
        cwd=databases.ROOT,
        env={**(os.environ if measured else unmeasured()), **variables},
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


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """`python -m app ...` in this process: its exit code and what it writes."""

    def called(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["app", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = __main__.main()
        written = capsys.readouterr()
        return code, written.out, written.err

    return called


def test_check_reports_a_setting_that_does_not_exist(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})
    given = {"settings": {"ENVIRONMENT": "staging", "LOG_LEVL": "INFO"}, "secrets": {}, "hidden": ["DATABASE_URL"]}
    code, out, _ = call("check", stdin=json.dumps(given))
    assert code == 0
    assert "LOG_LEVL" in {problem["setting"] for problem in json.loads(out)["problems"]}


def test_the_revisions_are_printed(call: Call) -> None:
    code, out, _ = call("revisions")
    assert (code, json.loads(out)["error"]) == (0, "")


def test_the_address_that_migrations_use_is_printed(call: Call) -> None:
    url = "postgresql://shop:secret@db.example.com/shop"
    with environment(url):
        assert call("database-url")[:2] == (0, f"{url}\n")


def test_an_unknown_command_is_refused(call: Call) -> None:
    code, _, err = call("chek")
    assert code == 2
    assert "Unknown command chek" in err


async def test_the_probe_of_the_container(own_database: str) -> None:
    with running(own_database, measured=False) as service:
        _, port = service.address
        assert (await run("app.probe", measured=True, PORT=str(port))).returncode == 0
    assert (await run("app.probe", measured=True, PORT=str(free_port()))).returncode == 1
