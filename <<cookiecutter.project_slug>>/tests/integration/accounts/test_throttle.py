"""Throttling of guesses: by account and address, by address, and by account."""

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from app.accounts.throttle import network_of
from tests.integration.accounts.conftest import OTHER, PASSWORD, MakePerson, Person, hold_delays
from tests.support.mailbox import Mailbox
from tests.support.problems import assert_problem


def at(app: FastAPI, address: str, email: str) -> Person:
    """A client at an address."""
    transport = ASGITransport(app, raise_app_exceptions=False, client=(address, 1234))
    return Person(email, "", AsyncClient(transport=transport, base_url="http://test"))


async def guess(person: Person, times: int) -> list[int]:
    return [(await person.log_in(OTHER)).status_code for _ in range(times)]


async def test_guesses_from_one_address_are_delayed(person: MakePerson, own_app: FastAPI) -> None:
    ada = await person()
    stranger = at(own_app, "198.51.100.1", ada.email)
    assert await guess(stranger, 5) == [400] * 5
    await hold_delays(own_app)
    answer = await stranger.log_in(PASSWORD)
    assert_problem(answer, 429, "too_many_attempts")
    assert 3500 < int(answer.headers["Retry-After"]) <= 3600
    assert (await at(own_app, "198.51.100.2", ada.email).log_in()).status_code == 200


async def test_a_guess_removes_more_old_counters_than_it_adds(person: MakePerson, own_app: FastAPI) -> None:
    ada = await person()
    old = (
        "INSERT INTO user_attempts (key, count, blocked_until, updated_at) SELECT sha256(n::text::bytea), 1, now(), "
        "now() - interval '2 days' FROM generate_series(1, 30) AS n"
    )
    await own_app.state.database.write(lambda connection: connection.driver.execute(old))
    assert await guess(at(own_app, "198.51.100.1", ada.email), 1) == [400]
    count = "SELECT count(*) FROM user_attempts"
    assert await own_app.state.database.read(lambda connection: connection.driver.fetchval(count)) == 10 + 3


async def test_each_further_guess_doubles_the_delay(person: MakePerson, own_app: FastAPI) -> None:
    ada = await person()
    database, delays = own_app.state.database, []
    for _ in range(16):
        assert await guess(ada, 1) == [400]
        sql = "SELECT round(extract(epoch FROM blocked_until - updated_at)) FROM user_attempts ORDER BY 1 DESC LIMIT 1"
        delays.append(int(await database.read(lambda connection, sql=sql: connection.driver.fetchval(sql))))
        sql = "UPDATE user_attempts SET blocked_until = updated_at"
        await database.write(lambda connection, sql=sql: connection.driver.execute(sql))
    assert delays == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


async def test_a_right_password_ends_the_count(person: MakePerson, own_app: FastAPI) -> None:
    ada = at(own_app, "198.51.100.1", (await person()).email)
    for _ in range(3):
        assert await guess(ada, 4) == [400] * 4
        assert (await ada.log_in()).status_code == 200


class TestFewAttempts:
    @pytest.fixture
    def settings_of_accounts(self) -> dict[str, str]:
        return {"ACCOUNTS_ATTEMPTS_PER_ADDRESS": "4", "ACCOUNTS_ATTEMPTS_PER_ACCOUNT": "4"}

    async def test_one_address_does_not_try_all_accounts(self, own_app: FastAPI, person: MakePerson) -> None:
        ada = await person()
        for number in range(4):
            assert await guess(at(own_app, f"2001:db8::{number}", f"u{number}@example.com"), 1) == [400]
        await hold_delays(own_app)
        assert_problem(await at(own_app, "2001:db8::9", ada.email).log_in(), 429)
        assert (await at(own_app, "2001:db8:0:1::1", ada.email).log_in()).status_code == 200

    async def test_wrong_log_ins_of_an_office_all_day_delay_nobody(self, own_app: FastAPI, person: MakePerson) -> None:
        ada, database = await person(), own_app.state.database
        for number in range(8):
            assert await guess(at(own_app, "192.0.2.1", f"u{number}@example.com"), 1) == [400]
            sql = "UPDATE user_attempts SET updated_at = updated_at - interval '70 s', blocked_until = updated_at"
            await database.write(lambda connection, sql=sql: connection.driver.execute(sql))
        assert await guess(at(own_app, "192.0.2.1", "u9@example.com"), 1) == [400]
        assert (await at(own_app, "192.0.2.1", ada.email).log_in()).status_code == 200

    async def test_guesses_from_many_addresses_do_not_lock_out_the_owner(
        self, person: MakePerson, own_app: FastAPI
    ) -> None:
        email = (await person()).email
        owner = at(own_app, "203.0.113.1", email)
        assert (await owner.log_in()).status_code == 200
        for number in range(4):
            assert await guess(at(own_app, f"198.51.100.{number}", email), 1) == [400]
        await hold_delays(own_app)
        assert_problem(await at(own_app, "203.0.113.9", email).log_in(), 429)
        assert (await owner.log_in()).status_code == 200


async def test_a_reset_ends_the_delay(person: MakePerson, own_app: FastAPI, mailbox: Mailbox) -> None:
    ada = at(own_app, "198.51.100.1", (await person()).email)
    await guess(ada, 5)
    await hold_delays(own_app)
    assert_problem(await ada.log_in(), 429)
    await ada.client.post("/api/v1/auth/forgot", json={"email": ada.email})
    token = await mailbox.token(ada.email)
    await ada.client.post("/api/v1/auth/reset", json={"token": token, "password": OTHER})
    assert (await ada.log_in(OTHER)).status_code == 200


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("2001:db8::1", "2001:db8::"),
        ("2001:db8::ffff:1", "2001:db8::"),
        ("testclient", ""),
        (None, ""),
    ],
)
def test_an_ipv6_client_counts_as_its_network(address: str | None, network: str) -> None:
    assert network_of(address) == network
