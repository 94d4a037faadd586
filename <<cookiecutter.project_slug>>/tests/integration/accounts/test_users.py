"""Administration of users, and how soon a change counts."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from tests.integration.accounts.conftest import OTHER, PASSWORD, MakePerson, Person, bearer
from tests.support.mailbox import Mailbox
from tests.support.problems import assert_problem

USERS = "/api/v1/users"


@pytest.fixture
async def admin(person: MakePerson) -> tuple[Person, dict[str, str]]:
    """An administrator, and the headers of a session."""
    found = await person("admin")
    return found, await found.headers()


@pytest.fixture(params=[False, True], ids=["tokens", "database"])
def asks_database(request: pytest.FixtureRequest) -> bool:
    found: bool = request.param
    return found


@pytest.fixture
def settings_of_accounts(request: pytest.FixtureRequest) -> dict[str, str]:
    if "asks_database" not in request.fixturenames:
        return {}
    return {"ACCOUNTS_CHECK_DATABASE": str(request.getfixturevalue("asks_database")).lower()}


async def test_an_invited_user_chooses_a_password(
    admin: tuple[Person, dict[str, str]], anyone: AsyncClient, mailbox: Mailbox
) -> None:
    _, headers = admin
    body = {"email": "Bob@example.com", "roles": ["member"]}
    created = await anyone.post(USERS, json=body, headers=headers)
    assert created.status_code == 201
    assert created.json()["is_verified"] is False
    token = await mailbox.token("Bob@example.com")
    answer = await anyone.post("/api/v1/auth/reset", json={"token": token, "password": OTHER})
    assert answer.status_code == 204, answer.text
    bob = Person("bob@example.com", created.json()["id"], anyone)
    assert (await bob.log_in(OTHER)).status_code == 200
    assert_problem(await anyone.post("/api/v1/auth/reset", json={"token": token, "password": OTHER}), 400, "token_used")


async def test_an_e_mail_has_one_user(admin: tuple[Person, dict[str, str]], anyone: AsyncClient) -> None:
    _, headers = admin
    answers = await asyncio.gather(
        *(anyone.post(USERS, json={"email": email}, headers=headers) for email in ("c@example.com", "C@EXAMPLE.com"))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_an_unknown_role_is_refused(admin: tuple[Person, dict[str, str]], anyone: AsyncClient) -> None:
    ada, headers = admin
    body = {"email": "d@example.com", "roles": ["emperor"]}
    assert_problem(await anyone.post(USERS, json=body, headers=headers), 422, "unknown_role")
    answer = await anyone.patch(f"{USERS}/{ada.id}", json={"roles": ["emperor"]}, headers=headers)
    assert_problem(answer, 422, "unknown_role")


async def test_users_are_listed_read_and_changed(
    admin: tuple[Person, dict[str, str]], person: MakePerson, anyone: AsyncClient
) -> None:
    _, headers = admin
    bob = await person()
    one = f"{USERS}/{bob.id}"
    read = await anyone.get(one, headers=headers)
    assert not {"password_hash", "email_folded", "deleted_at"} & set(read.json())
    page = (await anyone.get(USERS, params={"limit": 1}, headers=headers)).json()
    assert page["items"] == [read.json()]
    assert (await anyone.get(USERS, params={"cursor": page["next"]}, headers=headers)).json()["items"][0][
        "id"
    ] != bob.id
    etag = {"If-Match": read.headers["ETag"]}
    body = {"email": "New@example.com", "name": "Bob"}
    changed = await anyone.patch(one, json=body, headers=headers | etag)
    assert changed.json()["email"] == "New@example.com"
    assert_problem(await anyone.patch(one, json={"name": "x"}, headers=headers | etag), 412)


async def test_a_changed_e_mail_is_to_be_confirmed(
    admin: tuple[Person, dict[str, str]], person: MakePerson, anyone: AsyncClient, mailbox: Mailbox
) -> None:
    _, headers = admin
    bob = await person()
    one = f"{USERS}/{bob.id}"
    changed = await anyone.patch(one, json={"email": bob.email.upper()}, headers=headers)
    assert changed.json()["is_verified"] is True  # the same one, in other letters
    changed = await anyone.patch(one, json={"email": "New@example.com"}, headers=headers)
    assert changed.json()["is_verified"] is False
    token = await mailbox.token("New@example.com")
    bob.email = "new@EXAMPLE.com"
    assert_problem(await bob.log_in(), 400, "invalid_grant")
    confirmation = {"token": token, "password": PASSWORD}
    assert (await anyone.post("/api/v1/auth/verify", json=confirmation)).status_code == 204
    assert (await bob.log_in()).status_code == 200


async def test_an_invitation_follows_the_e_mail(
    admin: tuple[Person, dict[str, str]], anyone: AsyncClient, mailbox: Mailbox
) -> None:
    _, headers = admin
    created = await anyone.post(USERS, json={"email": "typo@example.com"}, headers=headers)
    wrong = await mailbox.token("typo@example.com")
    one = f"{USERS}/{created.json()['id']}"
    assert (await anyone.patch(one, json={"email": "bob@example.com"}, headers=headers)).status_code == 200
    right = await mailbox.token("bob@example.com")
    reset = "/api/v1/auth/reset"
    assert_problem(await anyone.post(reset, json={"token": wrong, "password": OTHER}), 400, "token_used")
    assert (await anyone.post(reset, json={"token": right, "password": OTHER})).status_code == 204


@pytest.mark.parametrize("change", [{"roles": []}, {"roles": ["member"]}, {"is_active": False}, None], ids=str)
async def test_the_last_administrator_stays(
    admin: tuple[Person, dict[str, str]], person: MakePerson, anyone: AsyncClient, change: dict[str, object] | None
) -> None:
    ada, headers = admin
    await person("member")

    async def leave(user: Person) -> Response:
        one = f"{USERS}/{user.id}"
        if change is None:
            return await anyone.delete(one, headers=headers)
        return await anyone.patch(one, json=change, headers=headers)

    assert_problem(await leave(ada), 409, "last_administrator")
    assert (await anyone.patch(f"{USERS}/{ada.id}", json={"name": "Ada"}, headers=headers)).status_code == 200
    invited = {"email": "invited@example.com", "roles": ["admin"]}
    assert (await anyone.post(USERS, json=invited, headers=headers)).status_code == 201
    assert_problem(await leave(ada), 409, "last_administrator")  # who is invited cannot log in yet
    eve = await person("admin")
    answers = await asyncio.gather(leave(ada), leave(eve))
    assert sorted(answer.status_code for answer in answers) == [204 if change is None else 200, 409]


async def test_a_deleted_user_is_gone_and_the_e_mail_is_free(
    admin: tuple[Person, dict[str, str]], person: MakePerson, anyone: AsyncClient, own_app: FastAPI, asks_database: bool
) -> None:
    ada, headers = admin
    bob = await person()
    tokens = await bob.tokens()
    one = f"{USERS}/{bob.id}"
    assert_problem(await anyone.delete(one, headers=headers | {"If-Match": '"7"'}), 412)
    assert (await anyone.delete(one, headers=headers)).status_code == 204
    assert_problem(await anyone.get(one, headers=headers), 404)
    assert_problem(await anyone.delete(one, headers=headers), 404)
    assert_problem(await anyone.patch(one, json={"name": "x"}, headers=headers), 404)
    assert [user["id"] for user in (await anyone.get(USERS, headers=headers)).json()["items"]] == [ada.id]
    assert_problem(await bob.log_in(), 400, "invalid_grant")
    assert_problem(await bob.refresh(tokens["refresh_token"]), 400, "invalid_grant")
    assert_problem(await anyone.get(f"{USERS}/me", headers=bearer(tokens)), 401)
    again = await anyone.post(USERS, json={"email": bob.email}, headers=headers)
    assert again.status_code == 201
    row = await own_app.state.database.read(
        lambda connection: connection.driver.fetchrow("SELECT * FROM users WHERE deleted_at IS NOT NULL")
    )
    assert (str(row["id"]), row["password_hash"]) == (bob.id, None)


async def test_a_role_taken_away_counts_at_once_or_with_the_next_token(
    admin: tuple[Person, dict[str, str]], person: MakePerson, anyone: AsyncClient, asks_database: bool
) -> None:
    _, headers = admin
    bob = await person("admin")
    tokens = await bob.tokens()
    answer = await anyone.patch(f"{USERS}/{bob.id}", json={"roles": ["member"]}, headers=headers)
    assert answer.status_code == 200
    allowed = await anyone.get(USERS, headers=bearer(tokens))
    assert allowed.status_code == (403 if asks_database else 200)
    following: dict[str, Any] = (await bob.refresh(tokens["refresh_token"])).json()
    assert_problem(await anyone.get(USERS, headers=bearer(following)), 403)


async def test_a_deactivated_user_stops_at_once_or_with_the_token(
    admin: tuple[Person, dict[str, str]], person: MakePerson, anyone: AsyncClient, asks_database: bool
) -> None:
    _, headers = admin
    bob = await person("admin")
    tokens = await bob.tokens()
    assert (await anyone.get(USERS, headers=bearer(tokens))).status_code == 200
    await anyone.patch(f"{USERS}/{bob.id}", json={"is_active": False}, headers=headers)
    answer = await anyone.get(USERS, headers=bearer(tokens))
    assert answer.status_code == (401 if asks_database else 200)
    assert_problem(await anyone.get(f"{USERS}/me", headers=bearer(tokens)), 401)  # the own row is read in any case
    assert_problem(await bob.refresh(tokens["refresh_token"]), 400, "invalid_grant")
    assert_problem(await bob.log_in(), 400, "invalid_grant")


async def test_an_ended_session_stops_at_once_or_with_the_token(
    person: MakePerson, anyone: AsyncClient, asks_database: bool
) -> None:
    bob = await person("admin")
    tokens, others = await bob.tokens(), await bob.tokens()
    assert (await anyone.get(USERS, headers=bearer(tokens))).status_code == 200
    await anyone.post("/api/v1/auth/logout", json={"refresh_token": tokens["refresh_token"]})
    answer = await anyone.get(USERS, headers=bearer(tokens))
    assert answer.status_code == (401 if asks_database else 200)
    assert (await anyone.get(USERS, headers=bearer(others))).status_code == 200
