"""`python -m app user`: the first administrator, and help for a user, without the API."""

import asyncio
import io
import os
import subprocess
import sys

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.commands import user
from tests.integration.accounts.conftest import OTHER, PASSWORD, Person
from tests.support.applications import environment
from tests.support.problems import assert_problem


async def run(monkeypatch: pytest.MonkeyPatch, url: str, typed: str, *arguments: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    monkeypatch.setattr(user, "configure_logging", lambda settings: None)  # that of this process stays
    with environment(url):
        return await asyncio.to_thread(user.main, arguments)


async def test_users_are_created_changed_and_disabled(
    own_app: FastAPI,
    own_database: str,
    anyone: AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ada = Person("ada@example.com", "", anyone)
    email = ("--email", ada.email)
    assert await run(monkeypatch, own_database, "short\n", "create", *email) == 1
    assert "15 to 128" in capsys.readouterr().err
    assert await run(monkeypatch, own_database, f"{PASSWORD}\n", "create", *email, "--role", "admin") == 0
    assert "users:write" in (await ada.tokens())["scope"]
    assert await run(monkeypatch, own_database, f"{PASSWORD}\n", "create", *email) == 1
    assert "has a user already" in capsys.readouterr().err
    assert await run(monkeypatch, own_database, f"{OTHER}\n", "password", *email) == 0
    tokens = await ada.tokens(OTHER)
    assert await run(monkeypatch, own_database, "", "disable", *email) == 0
    assert "sessions ended" in capsys.readouterr().out
    assert_problem(await ada.refresh(tokens["refresh_token"]), 400, "invalid_grant")
    assert await run(monkeypatch, own_database, "", "disable", "--email", "nobody@example.com") == 1


async def test_a_token_in_place_of_a_password(
    own_app: FastAPI,
    own_database: str,
    anyone: AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bob = Person("bob@example.com", "", anyone)
    assert await run(monkeypatch, own_database, "", "create", "--email", bob.email, "--token") == 0
    token = capsys.readouterr().out.strip()
    answer = await anyone.post("/api/v1/auth/reset", json={"token": token, "password": PASSWORD})
    assert answer.status_code == 204
    assert (await bob.log_in()).status_code == 200


async def test_the_standard_error_has_the_line_of_the_audit_log(own_database: str) -> None:
    await asyncio.to_thread(require_lines, own_database)


def require_lines(database: str) -> None:
    def run_command(*arguments: str, typed: str = "") -> tuple[str, str]:
        command = [sys.executable, "-m", "app", "user", *arguments, "--email", "ada@example.com"]
        environment = {**os.environ, "DATABASE_URL": database, "ENVIRONMENT": "test", "LOG_LEVEL": "INFO"}
        done = subprocess.run(  # noqa: S603 - our own program
            command, env=environment, input=typed, text=True, capture_output=True, check=True
        )
        return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "audit=True" in line)

    printed, lines = run_command("create", "--role", "admin", "--token")
    assert len(printed.splitlines()) == 1
    assert "user_created" in lines
    assert "token_issued" in lines
    assert "by=command" in lines
    assert printed.strip() not in lines
    assert "password_changed" in run_command("password", typed=f"{PASSWORD}\n")[1]
    assert "members=['is_active']" in run_command("disable")[1]
