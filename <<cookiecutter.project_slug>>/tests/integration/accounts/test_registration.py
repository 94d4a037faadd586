"""Registration and resets by e-mail, through a real mail server."""

import asyncio

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from structlog.testing import capture_logs

from app.accounts import background
from app.accounts.core import Accounts
from tests.integration.accounts.conftest import OTHER, PASSWORD, MakePerson, Person, hold_delays
from tests.support.mailbox import Mailbox
from tests.support.problems import assert_problem

AUTH = "/api/v1/auth"


async def settle(accounts: Accounts) -> None:
    await accounts.background.settle()


async def test_a_registered_user_logs_in_after_the_e_mail_is_confirmed(anyone: AsyncClient, mailbox: Mailbox) -> None:
    body = {"email": "eve@example.com", "password": PASSWORD, "name": "Eve"}
    assert (await anyone.post(f"{AUTH}/register", json=body)).status_code == 202
    token = await mailbox.token("eve@example.com")
    eve = Person("eve@example.com", "", anyone)
    assert_problem(await eve.log_in(), 400, "invalid_grant")
    confirmation = {"token": token, "password": PASSWORD}
    assert (await anyone.post(f"{AUTH}/verify", json=confirmation)).status_code == 204
    assert_problem(await anyone.post(f"{AUTH}/verify", json=confirmation), 400, "token_used")
    tokens = await eve.tokens()
    assert "users:read" not in tokens["scope"]


async def test_a_known_e_mail_is_answered_alike(
    anyone: AsyncClient, person: MakePerson, mailbox: Mailbox, accounts: Accounts
) -> None:
    ada = await person()
    answers = [
        await anyone.post(f"{AUTH}/register", json={"email": email, "password": OTHER})
        for email in (ada.email.upper(), "new@example.com")
    ]
    await settle(accounts)
    assert answers[0].status_code == answers[1].status_code == 202
    assert answers[0].content == answers[1].content
    assert mailbox.texts(ada.email.upper())[0].startswith("This e-mail was used to register")
    assert (await ada.log_in()).status_code == 200  # the password is the old one


async def test_two_registrations_at_once_make_one_user(
    anyone: AsyncClient, own_app: FastAPI, accounts: Accounts
) -> None:
    body = {"email": "eve@example.com", "password": PASSWORD}
    await asyncio.gather(*(anyone.post(f"{AUTH}/register", json=body) for _ in range(3)))
    await settle(accounts)
    count = await own_app.state.database.read(
        lambda connection: connection.driver.fetchval("SELECT count(*) FROM users")
    )
    assert count == 1


@pytest.mark.parametrize(
    "password", ["aaaaaaaaaaaaaaaaaaaa", "eve@example.com", "passwordpassword1", "qwertyuiopasdfgh"]
)
async def test_a_common_password_is_refused(anyone: AsyncClient, password: str) -> None:
    answer = await anyone.post(f"{AUTH}/register", json={"email": "eve@example.com", "password": password})
    assert assert_problem(answer, 422, "password_weak")["errors"][0]["pointer"] == "#/password"


@pytest.mark.parametrize("path", ["register", "forgot"])
async def test_a_full_queue_of_messages_refuses_and_counts_nothing(
    anyone: AsyncClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    body = {"email": "eve@example.com", **({"password": PASSWORD} if path == "register" else {})}
    monkeypatch.setattr(background, "LIMIT", 0)
    for _ in range(8):
        assert_problem(await anyone.post(f"{AUTH}/{path}", json=body), 503, "mail_busy")
    monkeypatch.undo()
    assert (await anyone.post(f"{AUTH}/{path}", json=body)).status_code == 202


class TestClosed:
    @pytest.fixture
    def settings_of_accounts(self) -> dict[str, str]:
        return {"ACCOUNTS_REGISTRATION": "closed"}

    async def test_registration_is_refused(self, anyone: AsyncClient, person: MakePerson) -> None:
        body = {"email": "eve@example.com", "password": PASSWORD}
        assert_problem(await anyone.post(f"{AUTH}/register", json=body), 403, "registration_closed")
        headers = await (await person("admin")).headers()
        answer = await anyone.post("/api/v1/users", json={"email": "eve@example.com"}, headers=headers)
        assert_problem(answer, 409, "registration_closed")


async def test_a_reset_sets_the_password_and_ends_sessions(
    person: MakePerson, anyone: AsyncClient, mailbox: Mailbox, accounts: Accounts
) -> None:
    ada = await person()
    tokens = await ada.tokens()
    assert (await anyone.post(f"{AUTH}/forgot", json={"email": ada.email.upper()})).status_code == 202
    token = await mailbox.token(ada.email)
    for password in ("short", "passwordpassword"):
        assert_problem(await anyone.post(f"{AUTH}/reset", json={"token": token, "password": password}), 422)
    answer = await anyone.post(f"{AUTH}/reset", json={"token": token, "password": OTHER})
    assert answer.status_code == 204
    assert_problem(await ada.refresh(tokens["refresh_token"]), 400, "invalid_grant")
    assert_problem(await ada.log_in(PASSWORD), 400, "invalid_grant")
    assert (await ada.log_in(OTHER)).status_code == 200
    assert_problem(await anyone.post(f"{AUTH}/reset", json={"token": token, "password": OTHER}), 400, "token_used")
    await settle(accounts)
    assert mailbox.texts(ada.email)[0].startswith("The password of your account was changed")


async def test_only_the_newest_token_resets(person: MakePerson, anyone: AsyncClient, mailbox: Mailbox) -> None:
    ada = await person()
    tokens = []
    for _ in range(2):
        await anyone.post(f"{AUTH}/forgot", json={"email": ada.email})
        tokens.append(await mailbox.token(ada.email))
    statuses = [
        (await anyone.post(f"{AUTH}/reset", json={"token": token, "password": OTHER})).status_code for token in tokens
    ]
    assert statuses == [400, 204]


async def test_an_old_token_does_not_reset(
    person: MakePerson, anyone: AsyncClient, mailbox: Mailbox, own_app: FastAPI
) -> None:
    ada = await person()
    await anyone.post(f"{AUTH}/forgot", json={"email": ada.email})
    token = await mailbox.token(ada.email)
    sql = "UPDATE user_mailed_tokens SET expires_at = now()"
    await own_app.state.database.write(lambda connection: connection.driver.execute(sql))
    answer = await anyone.post(f"{AUTH}/reset", json={"token": token, "password": OTHER})
    assert_problem(answer, 400, "token_used")


async def test_a_token_to_verify_does_not_reset(anyone: AsyncClient, mailbox: Mailbox) -> None:
    await anyone.post(f"{AUTH}/register", json={"email": "eve@example.com", "password": PASSWORD})
    token = await mailbox.token("eve@example.com")
    answer = await anyone.post(f"{AUTH}/reset", json={"token": token, "password": OTHER})
    assert_problem(answer, 400, "token_used")


async def test_an_unknown_e_mail_gets_no_message(anyone: AsyncClient, mailbox: Mailbox, accounts: Accounts) -> None:
    answer = await anyone.post(f"{AUTH}/forgot", json={"email": "nobody@example.com"})
    await settle(accounts)
    assert answer.status_code == 202
    assert mailbox.messages == []


async def test_requests_for_mail_are_throttled(anyone: AsyncClient, own_app: FastAPI) -> None:
    answers = [await anyone.post(f"{AUTH}/forgot", json={"email": "nobody@example.com"}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [202] * 5
    await hold_delays(own_app)
    answer = await anyone.post(f"{AUTH}/forgot", json={"email": "nobody@example.com"})
    assert_problem(answer, 429, "too_many_attempts")
    assert int(answer.headers["Retry-After"]) > 1


async def test_a_mail_server_that_is_down_is_logged(
    person: MakePerson, anyone: AsyncClient, mailbox: Mailbox, accounts: Accounts
) -> None:
    ada = await person()
    mailbox.stop()
    with capture_logs() as lines:
        assert (await anyone.post(f"{AUTH}/forgot", json={"email": ada.email})).status_code == 202
        await settle(accounts)
    assert "mail_failed" in [line["event"] for line in lines]
