"""Refresh tokens: one use each, and what ends a session."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from tests.integration.accounts.conftest import OTHER, PASSWORD, MakePerson, bearer
from tests.support.problems import assert_problem


async def execute(app: FastAPI, sql: str, *values: object) -> None:
    await app.state.database.write(lambda connection: connection.driver.execute(sql, *values))


async def later(app: FastAPI) -> None:
    """Let the grace of used tokens pass."""
    await execute(app, "UPDATE user_refresh_tokens SET used_at = used_at - interval '11 seconds'")


async def test_a_refresh_token_is_replaced(person: MakePerson) -> None:
    ada = await person()
    tokens = await ada.tokens()
    answer = await ada.refresh(tokens["refresh_token"])
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    following = answer.json()["refresh_token"]
    assert following != tokens["refresh_token"]
    assert (await ada.refresh(following)).status_code == 200


async def test_a_token_used_again_ends_the_session(person: MakePerson, own_app: FastAPI) -> None:
    ada = await person()
    first = (await ada.tokens())["refresh_token"]
    second = (await ada.refresh(first)).json()["refresh_token"]
    await later(own_app)
    with capture_logs() as lines:
        assert_problem(await ada.refresh(first), 400, "invalid_grant")
    assert [line["event"] for line in lines if line.get("audit")] == ["refresh_reused"]
    assert_problem(await ada.refresh(second), 400, "invalid_grant")


async def test_a_lost_answer_may_be_asked_for_again(person: MakePerson) -> None:
    ada = await person()
    first = (await ada.tokens())["refresh_token"]
    second, again = [(await ada.refresh(first)).json()["refresh_token"] for _ in range(2)]
    assert second == again
    assert (await ada.refresh(second)).status_code == 200


async def test_the_grace_ends_when_the_successor_is_used(person: MakePerson) -> None:
    ada = await person()
    first = (await ada.tokens())["refresh_token"]
    second = (await ada.refresh(first)).json()["refresh_token"]
    third = (await ada.refresh(second)).json()["refresh_token"]
    assert_problem(await ada.refresh(first), 400, "invalid_grant")
    assert_problem(await ada.refresh(third), 400, "invalid_grant")


async def test_two_refreshes_at_once_get_the_same_successor(person: MakePerson) -> None:
    ada = await person()
    first = (await ada.tokens())["refresh_token"]
    answers = await asyncio.gather(*(ada.refresh(first) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    [following] = {answer.json()["refresh_token"] for answer in answers}
    assert (await ada.refresh(following)).status_code == 200


async def test_a_log_out_ends_the_session(person: MakePerson) -> None:
    ada = await person()
    first = (await ada.tokens())["refresh_token"]
    other = (await ada.tokens())["refresh_token"]
    for token in (first, first, "unknown"):
        answer = await ada.client.post("/api/v1/auth/logout", json={"refresh_token": token})
        assert answer.status_code == 204
    assert_problem(await ada.refresh(first), 400, "invalid_grant")
    assert (await ada.refresh(other)).status_code == 200


async def test_a_session_expires(person: MakePerson, own_app: FastAPI) -> None:
    ada = await person()
    token = (await ada.tokens())["refresh_token"]
    await execute(own_app, "UPDATE user_sessions SET expires_at = now()")
    assert_problem(await ada.refresh(token), 400, "invalid_grant")
    await ada.tokens()  # removes what has expired
    count = await own_app.state.database.read(
        lambda connection: connection.driver.fetchval("SELECT count(*) FROM user_sessions")
    )
    assert count == 1


async def test_a_change_of_password_ends_the_other_sessions(person: MakePerson) -> None:
    ada = await person()
    other, own = await ada.tokens(), await ada.tokens()
    body = {"current_password": PASSWORD, "password": OTHER}
    answer = await ada.client.post("/api/v1/users/me/password", json=body, headers=bearer(own))
    assert answer.status_code == 204, answer.text
    assert_problem(await ada.refresh(other["refresh_token"]), 400, "invalid_grant")
    assert (await ada.refresh(own["refresh_token"])).status_code == 200
    assert_problem(await ada.log_in(PASSWORD), 400, "invalid_grant")
    assert (await ada.log_in(OTHER)).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"current_password": OTHER, "password": OTHER}, 400, "password_wrong"),
        ({"current_password": PASSWORD, "password": "short"}, 422, ""),
        ({"current_password": PASSWORD, "password": "passwordpassword"}, 422, "password_weak"),
        ({"current_password": PASSWORD, "password": "user1@example.com"}, 422, "password_weak"),
        ({"current_password": PASSWORD, "password": "x" * 129}, 422, ""),
    ],
)
async def test_a_refused_change_of_password_changes_nothing(
    person: MakePerson, body: dict[str, str], status: int, code: str
) -> None:
    ada = await person()
    answer = await ada.client.post("/api/v1/users/me/password", json=body, headers=await ada.headers())
    problem = assert_problem(answer, status)
    assert code in ("", problem["code"])
    assert (await ada.log_in()).status_code == 200


async def test_sessions_are_listed_and_ended(person: MakePerson) -> None:
    ada, eve = await person(), await person()
    tokens, other = await ada.tokens(), await ada.tokens()
    headers = bearer(tokens)
    listed: list[dict[str, Any]] = (await ada.client.get("/api/v1/users/me/sessions", headers=headers)).json()["items"]
    assert [entry["is_current"] for entry in listed] == [False, True]
    one = f"/api/v1/users/me/sessions/{listed[0]['id']}"
    assert_problem(await ada.client.delete(one, headers=await eve.headers()), 404)
    assert (await ada.client.delete(one, headers=headers)).status_code == 204
    assert_problem(await ada.client.delete(one, headers=headers), 404)
    assert_problem(await ada.refresh(other["refresh_token"]), 400, "invalid_grant")


async def test_the_profile_is_shown_and_changed(person: MakePerson) -> None:
    ada = await person()
    headers = await ada.headers()
    answers = [await ada.client.get(f"/api/v1/users/me{path}", headers=headers) for path in ("", "/sessions")]
    assert [answer.headers["Cache-Control"] for answer in answers] == ["no-store"] * 2
    me = answers[0].json()
    assert not {"password_hash", "email_folded", "deleted_at"} & set(me)
    assert (await ada.client.patch("/api/v1/users/me", json={}, headers=headers)).json() == me
    changed = (await ada.client.patch("/api/v1/users/me", json={"name": "Ada"}, headers=headers)).json()
    assert changed["name"] == "Ada"
    assert_problem(await ada.client.patch("/api/v1/users/me", json={"roles": ["admin"]}, headers=headers), 422)
