"""Fixtures of accounts: a service on a database of its own, with a mail server, and people who use it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response

from app.accounts import users
from app.accounts.core import Accounts
from tests.support.applications import application
from tests.support.mailbox import Mailbox

PASSWORD = "correct horse battery staple"
OTHER = "purple monkeys eat seventeen lamps"


@dataclass
class Person:
    """A user as a client of the API."""

    email: str
    id: str
    client: AsyncClient

    async def log_in(self, password: str = PASSWORD, scope: str = "") -> Response:
        form = {"grant_type": "password", "username": self.email, "password": password, "scope": scope}
        return await self.client.post("/api/v1/auth/token", data=form)

    async def tokens(self, password: str = PASSWORD, scope: str = "") -> dict[str, Any]:
        answer = await self.log_in(password, scope)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def headers(self, password: str = PASSWORD, scope: str = "") -> dict[str, str]:
        return bearer(await self.tokens(password, scope))

    async def refresh(self, token: str) -> Response:
        return await self.client.post("/api/v1/auth/refresh", json={"refresh_token": token})


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def hold_delays(app: FastAPI) -> None:
    """Make every delay that has begun an hour long, so that a slow machine does not outlast it."""
    sql = "UPDATE user_attempts SET blocked_until = now() + interval '1 hour' WHERE blocked_until > updated_at"
    await app.state.database.write(lambda connection: connection.driver.execute(sql))


MakePerson = Callable[..., Awaitable[Person]]


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    mailbox = Mailbox()
    await mailbox.start()
    yield mailbox
    mailbox.stop()


@pytest.fixture
def settings_of_accounts() -> dict[str, str]:
    """More settings of the service; a test overrides it by `indirect` parameters or in its module."""
    return {}


@pytest.fixture
async def own_app(own_database: str, mailbox: Mailbox, settings_of_accounts: dict[str, str]) -> AsyncIterator[FastAPI]:
    mail = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(mailbox.port), "SMTP_SECURITY": "none"}
    given = {"ACCOUNTS_REGISTRATION": "open", **mail, **settings_of_accounts}
    async with application(own_database, **given) as app:
        yield app
        await app.state.accounts.stop()


@pytest.fixture
def accounts(own_app: FastAPI) -> Accounts:
    found: Accounts = own_app.state.accounts
    return found


@pytest.fixture
async def anyone(own_app: FastAPI) -> AsyncIterator[AsyncClient]:
    """A client without a token."""
    transport = ASGITransport(own_app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.fixture
def person(own_app: FastAPI, accounts: Accounts, anyone: AsyncClient) -> MakePerson:
    """Makes users: `await person("admin")`."""
    made = 0

    async def make(*roles: str, email: str | None = None) -> Person:
        nonlocal made
        made += 1
        address = email or f"user{made}@example.com"
        password_hash = await accounts.passwords.hash(PASSWORD)
        row = await own_app.state.database.write(
            lambda connection: users.create(
                connection, address, roles=roles or ("member",), password_hash=password_hash, is_verified=True
            )
        )
        return Person(address, str(row["id"]), anyone)

    return make
