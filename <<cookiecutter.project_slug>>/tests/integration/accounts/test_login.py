"""Log-in: tokens, what they grant, and what a client learns from a refusal."""

import asyncio
import json
import threading
import time
from typing import Any

import jwt
import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from structlog.testing import capture_logs

from app.accounts.core import Accounts
from app.auth.roles import scopes_of
from app.observability.logging import add_request
from tests.factories import FACTORIES
from tests.integration.accounts.conftest import OTHER, PASSWORD, MakePerson, bearer
from tests.support.problems import assert_problem


def claims_of(tokens: dict[str, Any]) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    return claims


async def test_a_log_in_gives_tokens(person: MakePerson, accounts: Accounts) -> None:
    ada = await person("admin")
    answer = await ada.log_in()
    assert answer.headers["Cache-Control"] == "no-store"
    tokens = answer.json()
    assert {"token_type", "expires_in", "refresh_token", "scope", "access_token"} == set(tokens)
    assert jwt.get_unverified_header(tokens["access_token"])["typ"] == "at+jwt"
    claims = claims_of(tokens)
    assert {"iss", "aud", "sub", "iat", "exp", "jti", "client_id", "sid", "scope"} == set(claims)
    assert claims["sub"] == ada.id
    assert claims["exp"] - claims["iat"] == tokens["expires_in"] == 900
    assert set(claims["scope"].split()) == accounts.scopes


async def test_the_token_opens_the_api(person: MakePerson) -> None:
    ada = await person("admin")
    headers = await ada.headers()
    assert (await ada.client.get("/api/v1/users/me", headers=headers)).json()["id"] == ada.id
    for factory in FACTORIES:
        assert (await ada.client.get(factory.PATH, headers=headers)).status_code == 200


async def test_e_mails_compare_without_case(person: MakePerson) -> None:
    ada = await person(email="Ada@Example.com")
    ada.email = "aDA@exampLE.com"
    assert (await ada.log_in()).status_code == 200


async def test_a_form_in_another_unicode_normalization_is_the_same_password(
    person: MakePerson, own_app: FastAPI, accounts: Accounts
) -> None:
    ada = await person()
    hashed = await accounts.passwords.hash("e\u0301tude number fifteen")
    await own_app.state.database.write(
        lambda connection: connection.driver.execute("UPDATE users SET password_hash = $1", hashed)
    )
    assert (await ada.log_in("\u00e9tude number fifteen")).status_code == 200


@pytest.mark.parametrize("case", ["wrong password", "unknown", "inactive", "unverified", "deleted", "no password"])
async def test_every_refusal_is_the_same(person: MakePerson, own_app: FastAPI, case: str) -> None:
    ada = await person()
    change = {
        "inactive": "is_active = false",
        "unverified": "is_verified = false",
        "deleted": "deleted_at = now()",
        "no password": "password_hash = NULL",
    }.get(case)
    if change:
        sql = f"UPDATE users SET {change}"  # noqa: S608 - of the table above
        await own_app.state.database.write(lambda connection: connection.driver.execute(sql))
    if case == "unknown":
        ada.email = "nobody@example.com"
    answer = await ada.log_in(OTHER if case == "wrong password" else PASSWORD)
    problem = assert_problem(answer, 400, "invalid_grant")
    assert answer.headers["Cache-Control"] == "no-store"
    assert problem["detail"] == "The e-mail or the password is wrong, or the account is not active."


async def test_a_request_for_fewer_scopes_is_granted_and_kept(person: MakePerson) -> None:
    ada = await person("admin")
    tokens = await ada.tokens(scope="users:read bank:rob")
    assert tokens["scope"] == "users:read"
    again = (await ada.refresh(tokens["refresh_token"])).json()
    assert again["scope"] == "users:read"


async def test_a_member_does_not_administer(person: MakePerson) -> None:
    ada = await person("member")
    answer = await ada.client.get("/api/v1/users", headers=await ada.headers())
    assert_problem(answer, 403, "insufficient_scope")


async def test_an_unknown_role_grants_nothing(person: MakePerson) -> None:
    ada = await person("emperor")
    assert (await ada.tokens())["scope"] == ""


def test_roles_grant_every_scope_of_the_resources() -> None:
    known = ["orders:read", "orders:write", "orders:read:all", "users:read", "users:write"]
    assert scopes_of(["admin"], known) == set(known)
    assert scopes_of(["member"], known) == {"orders:read", "orders:write"}
    assert scopes_of(["emperor"], known) == set()


async def test_another_cost_of_hashing_hashes_again(person: MakePerson, own_app: FastAPI, accounts: Accounts) -> None:
    from argon2 import PasswordHasher

    ada = await person()
    weak = PasswordHasher(1, 8192, 1).hash(PASSWORD)
    database = own_app.state.database
    await database.write(lambda connection: connection.driver.execute("UPDATE users SET password_hash = $1", weak))
    await ada.tokens()
    stored = await database.read(lambda connection: connection.driver.fetchval("SELECT password_hash FROM users"))
    assert stored != weak
    assert not accounts.passwords.needs_rehash(stored)
    await ada.tokens()


async def test_too_many_passwords_at_once_are_503(person: MakePerson, accounts: Accounts) -> None:
    ada = await person()
    accounts.passwords._limit = 1
    checked = threading.Event()
    other = asyncio.ensure_future(accounts.passwords._run(checked.wait))
    await asyncio.sleep(0)  # it begins
    try:
        assert_problem(await ada.log_in(), 503, "passwords_busy")
    finally:
        checked.set()
        await other
    assert (await ada.log_in()).status_code == 200


async def test_the_audit_log_names_the_user_and_no_secret(person: MakePerson) -> None:
    ada = await person()
    with capture_logs(processors=[add_request]) as lines:
        await ada.log_in(OTHER)
        tokens = await ada.tokens()
        await ada.refresh(tokens["refresh_token"])
    events = [line for line in lines if line.get("audit")]
    assert [line["event"] for line in events] == ["login_failed", "login"]
    assert all(line["user"] == ada.id and line["request_id"] for line in events)
    assert not any(
        secret in str(lines) for secret in (OTHER, PASSWORD, tokens["refresh_token"], tokens["access_token"])
    )


async def test_discovery_names_keys_and_addresses(anyone: AsyncClient, accounts: Accounts) -> None:
    found = (await anyone.get("/.well-known/openid-configuration")).json()
    assert found["jwks_uri"] == "http://test/.well-known/jwks.json"
    assert found["token_endpoint"] == "http://test/api/v1/auth/token"
    assert found["scopes_supported"] == sorted(accounts.scopes)
    keys = (await anyone.get("/.well-known/jwks.json")).json()["keys"]
    assert [key["kid"] for key in keys] == [accounts.keys.signer.kid]
    assert '"d"' not in json.dumps(keys)


async def test_the_token_expires(person: MakePerson, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await person()
    headers = bearer(await ada.tokens())
    later = time.time() + 901
    monkeypatch.setattr("app.auth.jwt.time.time", lambda: later)
    monkeypatch.setattr("jwt.api_jwt.datetime", _Later)
    assert_problem(await ada.client.get("/api/v1/users/me", headers=headers), 401, "token_invalid")


class _Later:
    """`datetime` of PyJWT, a thousand seconds on."""

    @staticmethod
    def now(tz: Any = None) -> Any:
        import datetime as dt

        return dt.datetime.now(tz) + dt.timedelta(seconds=1000)
