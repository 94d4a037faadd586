"""Attacks that accounts withstand: a stranger who knows an e-mail, and requests that meet in a bad moment."""

import asyncio
import time
import uuid

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from app.accounts import queries, users
from app.accounts.core import Accounts
from app.accounts.mail import make_mailer
from app.accounts.passwords import Passwords, _is_common
from app.auth.account_settings import MailSettings
from app.commands import user
from app.db.driver import Connection
from tests.integration.accounts.conftest import OTHER, PASSWORD, MakePerson, Person, hold_delays
from tests.support.mailbox import Mailbox
from tests.support.problems import assert_problem
from tests.support.waiting import PATIENCE

AUTH = "/api/v1/auth"
USERS = "/api/v1/users"


async def test_who_reads_the_e_mail_does_not_confirm_the_registration_of_a_stranger(
    anyone: AsyncClient, mailbox: Mailbox
) -> None:
    victim = Person("victim@example.com", "", anyone)
    await anyone.post(f"{AUTH}/register", json={"email": victim.email, "password": PASSWORD})
    token = await mailbox.token(victim.email)
    assert_problem(await anyone.post(f"{AUTH}/verify", json={"token": token}), 422)
    answer = await anyone.post(f"{AUTH}/verify", json={"token": token, "password": OTHER})
    assert_problem(answer, 400, "password_wrong")
    assert_problem(await victim.log_in(PASSWORD), 400, "invalid_grant")
    await anyone.post(f"{AUTH}/forgot", json={"email": victim.email})
    body = {"token": await mailbox.token(victim.email), "password": OTHER}
    assert (await anyone.post(f"{AUTH}/reset", json=body)).status_code == 204
    assert_problem(await victim.log_in(PASSWORD), 400, "invalid_grant")
    assert (await victim.log_in(OTHER)).status_code == 200


@pytest.mark.parametrize("change", ["password", "deactivation"])
async def test_no_session_begins_while_the_user_changes(
    person: MakePerson, own_app: FastAPI, accounts: Accounts, change: str
) -> None:
    """A change that has ended the sessions but is not committed: the log-in waits for it."""
    ada = await person()
    hashed = await accounts.passwords.hash(OTHER)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def unit(connection: Connection) -> None:
        id = uuid.UUID(ada.id)
        if change == "password":
            await users.set_password(connection, id, hashed)
        else:
            await connection.run(queries.SET_ACTIVE, {"id": id, "is_active": False})
            await users.end_sessions(connection, id)
        reached.set()
        await go_on.wait()

    changing = asyncio.create_task(own_app.state.database.write(unit))
    await asyncio.wait_for(reached.wait(), PATIENCE)
    logging_in = asyncio.create_task(ada.log_in())
    await asyncio.wait({logging_in}, timeout=2)  # is to run out
    go_on.set()
    await changing
    assert_problem(await logging_in, 400, "invalid_grant")


async def test_a_deactivation_ends_the_session_of_a_log_in_under_way(person: MakePerson, own_app: FastAPI) -> None:
    ada, admin = await person(), await person("admin")
    headers = await admin.headers()
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def unit(connection: Connection) -> None:
        id = uuid.UUID(ada.id)
        await connection.one_or_none(queries.LOCK_USER, {"id": id})
        reached.set()
        await go_on.wait()
        values = {"id": id, "user_id": id, "secret": b"x", "scope": None, "client": None, "address": ""}
        await connection.run(queries.INSERT_SESSION, {**values, "seconds": 900.0})

    beginning = asyncio.create_task(own_app.state.database.write(unit))
    await asyncio.wait_for(reached.wait(), PATIENCE)
    change = asyncio.create_task(ada.client.patch(f"{USERS}/{ada.id}", json={"is_active": False}, headers=headers))
    await asyncio.wait({change}, timeout=1)  # is to run out
    go_on.set()
    await beginning
    assert (await change).status_code == 200
    sql = f"SELECT count(*) FROM user_sessions WHERE user_id = '{ada.id}' AND revoked_at IS NULL"  # noqa: S608
    assert await own_app.state.database.read(lambda connection: connection.driver.fetchval(sql)) == 0


async def test_a_change_of_password_does_not_undo_a_reset(
    person: MakePerson, own_app: FastAPI, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thief knows the old password; the owner resets it while the thief's change is being hashed."""
    ada = await person()
    headers = await ada.headers()
    hashed = await accounts.passwords.hash(OTHER)
    plain = Passwords.hash

    async def reset_first(self: Passwords, password: str) -> str:
        id = uuid.UUID(ada.id)
        await own_app.state.database.write(lambda connection: users.set_password(connection, id, hashed))
        return await plain(self, password)

    monkeypatch.setattr(Passwords, "hash", reset_first)
    body = {"current_password": PASSWORD, "password": "seventeen thieves steal cold soup"}
    answer = await ada.client.post(f"{USERS}/me/password", json=body, headers=headers)
    assert_problem(answer, 400, "password_wrong")
    monkeypatch.undo()
    assert (await ada.log_in(OTHER)).status_code == 200


async def test_a_message_to_the_former_e_mail_opens_nothing(person: MakePerson, mailbox: Mailbox) -> None:
    ada, admin = await person(), await person("admin")
    await ada.client.post(f"{AUTH}/forgot", json={"email": ada.email})
    token = await mailbox.token(ada.email)
    headers = await admin.headers()
    answer = await ada.client.patch(f"{USERS}/{ada.id}", json={"email": "new@example.com"}, headers=headers)
    assert answer.status_code == 200
    answer = await ada.client.post(f"{AUTH}/reset", json={"token": token, "password": OTHER})
    assert_problem(answer, 400, "token_used")


async def test_a_repeated_request_invites_once(person: MakePerson, mailbox: Mailbox, accounts: Accounts) -> None:
    admin = await person("admin")
    headers = {**await admin.headers(), "Idempotency-Key": "invite-bob"}
    for _ in range(2):
        answer = await admin.client.post(USERS, json={"email": "bob@example.com"}, headers=headers)
        assert answer.status_code == 201
    await accounts.background.settle()
    assert [to for to, _ in mailbox.messages] == ["bob@example.com"]


async def test_an_attempt_that_was_not_checked_does_not_count(
    person: MakePerson, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await person()
    monkeypatch.setattr(accounts.passwords, "_limit", 0)
    for _ in range(8):
        assert_problem(await ada.log_in(), 503, "passwords_busy")
    monkeypatch.undo()
    assert (await ada.log_in()).status_code == 200


def test_a_password_of_many_signs_is_checked_soon() -> None:
    """zxcvbn tries every reading of such signs together, which took 3 s of CPU."""
    _is_common("loads the lists", [])
    began = time.thread_time()
    _is_common(("4@8({[<69!1|l0$5+7%2z" * 4)[:72], ["x" * 254])
    assert time.thread_time() - began < 1


class TestProxy:
    """Log-ins through a proxy that nobody told the service of."""

    @pytest.fixture
    def settings_of_accounts(self) -> dict[str, str]:
        return {"ACCOUNTS_ATTEMPTS_PER_ADDRESS": "2", "ACCOUNTS_ATTEMPTS_PER_PAIR": "2"}

    @pytest.mark.parametrize(("peer", "status"), [("10.1.2.3", 200), ("93.184.216.34", 429)])
    async def test_a_stranger_does_not_delay_everybody_behind_it(
        self, person: MakePerson, own_app: FastAPI, peer: str, status: int
    ) -> None:
        ada = await person()
        transport = ASGITransport(own_app, client=(peer, 1))
        headers = {"X-Forwarded-For": "203.0.113.9"}
        async with AsyncClient(transport=transport, base_url="http://test", headers=headers) as ada.client:
            stranger = Person("nobody@example.com", "", ada.client)
            for _ in range(2):
                assert_problem(await stranger.log_in(), 400, "invalid_grant")
            await hold_delays(own_app)
            assert (await ada.log_in()).status_code == status


async def test_production_prints_no_message(capsys: pytest.CaptureFixture[str]) -> None:
    mailer = make_mailer(MailSettings.model_validate({"ENVIRONMENT": "production", "host": None}))
    with pytest.raises(OSError, match="SMTP_HOST"):
        await mailer.send("ada@example.com", "Reset your password", "token")
    assert "token" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "email", ["notanemail", "ada@example.com\n", "\u0430da@example.com", "a" * 250 + "@b.de", "\0@b.de"]
)
def test_the_command_refuses_what_the_api_refuses(email: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        user.main(["create", "--email", email, "--token"])
    assert "is no e-mail" in capsys.readouterr().err
