"""Known and unknown e-mails take the same time, by a statistic: Mann and Whitney's U of interleaved requests."""

import itertools
import math
import random
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response

from app.accounts import background, registration
from app.accounts.passwords import Passwords
from tests.integration.accounts.conftest import OTHER, MakePerson
from tests.support.applications import application

SAMPLES, CONTROL = 1000, 400
# Standard deviations: chance exceeds 4 once in 16 000 runs.
EQUAL, DIFFERENT = 4.0, 6.0

Send = Callable[[AsyncClient, str], Awaitable[Response]]


def deviation(one: Sequence[float], other: Sequence[float]) -> float:
    """Return U in standard deviations from the value for two samples of one distribution."""
    ranked = sorted(itertools.chain(((value, 0) for value in one), ((value, 1) for value in other)))
    ranks = sum(rank for rank, (_, kind) in enumerate(ranked, 1) if kind == 0)
    size, more = len(one), len(other)
    found = ranks - size * (size + 1) / 2
    return (found - size * more / 2) / math.sqrt(size * more * (size + more + 1) / 12)


async def log_in(client: AsyncClient, email: str) -> Response:
    form = {"grant_type": "password", "username": email, "password": OTHER}
    return await client.post("/api/v1/auth/token", data=form)


async def forgot(client: AsyncClient, email: str) -> Response:
    return await client.post("/api/v1/auth/forgot", json={"email": email})


async def register(client: AsyncClient, email: str) -> Response:
    return await client.post("/api/v1/auth/register", json={"email": email, "password": OTHER})


async def forgot_another(client: AsyncClient, email: str) -> Response:
    return await forgot(client, f"x{email[:7]}@example.net")


@pytest.fixture
async def own_app(own_database: str) -> AsyncIterator[FastAPI]:
    """A service without a bound on attempts, which would end the measurement."""
    limits = {f"ACCOUNTS_ATTEMPTS_PER_{name}": "100000" for name in ("ADDRESS", "ACCOUNT")}
    async with application(own_database, ACCOUNTS_REGISTRATION="open", LOG_LEVEL="CRITICAL", **limits) as app:
        yield app
        await app.state.accounts.stop()


async def measured(app: FastAPI, send: Send, known: str, samples: int, *, following: Send | None = None) -> float:
    """Return the deviation of the times for a known and for unknown e-mails. Each request has its own address.

    With `following`, it is the time of this request after each `send`, while the work for that may run.
    """
    times: dict[bool, list[float]] = {True: [], False: []}
    order = [True, False] * samples
    random.shuffle(order)
    for number, is_known in enumerate(order):
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        email = known if is_known else f"u{number:06}@example.com"
        transport = ASGITransport(app, raise_app_exceptions=False, client=(address, 1))
        async with AsyncClient(transport=transport, base_url="http://test") as client:
            begun = time.perf_counter()
            answer = await send(client, email)
            taken = time.perf_counter() - begun
            if following is not None:
                begun = time.perf_counter()
                assert (await following(client, email)).status_code == 202
                taken = time.perf_counter() - begun
            times[is_known].append(taken)
        assert answer.status_code in (202, 400), answer.text
        if following is None:
            await app.state.accounts.background.settle()
    medians = {kind: f"{statistics.median(values) * 1000:.2f} ms" for kind, values in times.items()}
    found = deviation(times[True], times[False])
    name = f"{send.__name__}, then {following.__name__}" if following else send.__name__
    print(f"{name}: known {medians[True]}, unknown {medians[False]}, {found:+.1f} standard deviations")
    return found


@pytest.mark.parametrize("send", [log_in, forgot, register])
async def test_times_do_not_tell_known_e_mails(own_app: FastAPI, person: MakePerson, send: Send) -> None:
    known = await person(email="u999999@example.com")
    assert abs(await measured(own_app, send, known.email, SAMPLES)) < EQUAL


@pytest.fixture
def slow_mail(own_app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message takes 10 ms of the CPU, as with TLS: its delay is seen on a busy machine too."""

    async def send(to: str, subject: str, text: str) -> None:
        end = time.thread_time() + 0.01
        while time.thread_time() < end:
            pass

    monkeypatch.setattr(own_app.state.accounts.mailer, "send", send)


@pytest.mark.usefixtures("slow_mail")
async def test_the_next_request_does_not_tell_known_e_mails(own_app: FastAPI, person: MakePerson) -> None:
    known = await person(email="u999999@example.com")
    assert abs(await measured(own_app, forgot, known.email, SAMPLES, following=forgot_another)) < EQUAL


@pytest.mark.usefixtures("slow_mail")
async def test_without_the_pause_the_next_request_tells(
    own_app: FastAPI, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "PAUSE", (0.0, 0.0))
    known = await person(email="u999999@example.com")
    assert abs(await measured(own_app, forgot, known.email, CONTROL, following=forgot_another)) > DIFFERENT


async def test_without_the_hash_for_nobody_they_do(
    own_app: FastAPI, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = Passwords.verify

    async def only_known(self: Passwords, password: str, stored: str | None) -> bool:
        return stored is not None and await verify(self, password, stored)

    monkeypatch.setattr(Passwords, "verify", only_known)
    known = await person(email="u999999@example.com")
    assert abs(await measured(own_app, log_in, known.email, CONTROL)) > DIFFERENT


async def test_with_the_look_up_before_the_answer_they_do(
    own_app: FastAPI, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = registration.forgot

    async def waits(accounts: object, *arguments: object) -> None:
        await original(accounts, *arguments)
        await accounts.background.settle()

    monkeypatch.setattr(registration, "forgot", waits)
    known = await person(email="u999999@example.com")
    assert abs(await measured(own_app, forgot, known.email, CONTROL)) > DIFFERENT
