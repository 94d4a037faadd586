"""Requests that are repeated, and those that must not be. The clock does not run: each sleep moves it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import httpx2
import pytest

from toolkit.deploy.outcomes import Exit, Failed, Failure
from toolkit.deploy.places.changes import Changes
from toolkit.deploy.places.cloudrun import auth, client, errors
from toolkit.deploy.places.cloudrun.auth import Tokens
from toolkit.deploy.places.cloudrun.client import Client

URL = "https://run.test/x"
REFUSED = httpx2.ConnectError("connection refused")
SILENT = httpx2.ReadTimeout("timed out")


@dataclass
class Scripted:
    """The next answer of each request: a status, with `Retry-After` in parentheses, or an error."""

    answers: Iterator[int | tuple[int, str] | Exception]
    now: float = 1000.0
    seconds: float = 0.0  # of each request
    slept: list[float] = field(default_factory=list)
    sent: int = 0

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        self.sent += 1
        self.now += self.seconds
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        status, after = answer if isinstance(answer, tuple) else (answer, "")
        return httpx2.Response(status, json={}, headers={"Retry-After": after} if after else {})

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Renewable(Tokens):
    def __init__(self, *, renewable: bool = True) -> None:
        self.renewals, self.renewable = 0, renewable

    def access(self) -> str:
        return "token"

    def renew(self) -> bool:
        self.renewals += self.renewable
        return self.renewable


def made(
    monkeypatch: pytest.MonkeyPatch, answers: Iterator[int | tuple[int, str] | Exception], tokens: Tokens | None = None
) -> tuple[Client, Scripted]:
    script = Scripted(answers)
    monkeypatch.setattr(client.time, "sleep", script.sleep)
    monkeypatch.setattr(client.time, "monotonic", lambda: script.now)
    found = Client(tokens or Renewable(), Changes())
    found._http = httpx2.Client(transport=httpx2.MockTransport(script.handle))
    return found, script


def forever(answer: int | Exception) -> Iterator[int | Exception]:
    while True:
        yield answer


@pytest.mark.parametrize(
    ("answers", "slept"),
    [
        ([200], []),
        ([429, 200], [1.0]),
        ([(429, "5"), 200], [5.0]),  # as the answer asks
        ([(429, "Wed, 21 Oct 2026 07:28:00 GMT"), 200], [1.0]),
        ([503, 503, 200], [1.0, 2.0]),
        ([REFUSED, SILENT, 200], [1.0, 2.0]),
    ],
)
def test_reads_and_guarded_writes_are_repeated(
    monkeypatch: pytest.MonkeyPatch, answers: Sequence[int | tuple[int, str] | Exception], slept: Sequence[float]
) -> None:
    for method in ("GET", "PUT"):
        found, script = made(monkeypatch, iter(answers))
        assert (found.get(URL, "it") if method == "GET" else found.write("PUT", URL, "it", {})) == {}
        assert (script.sent, script.slept) == (len(answers), slept)


@pytest.mark.parametrize(
    ("answers", "code"),
    [([429, 200], ""), ([REFUSED, 200], ""), ([503, 200], "GOOGLE_UNAVAILABLE"), ([SILENT, 200], "GOOGLE_UNREACHABLE")],
)
def test_start_is_repeated_only_if_it_cannot_have_happened(
    monkeypatch: pytest.MonkeyPatch, answers: Sequence[int | Exception], code: str
) -> None:
    found, script = made(monkeypatch, iter(answers))
    if code:
        with pytest.raises(Failed) as caught:
            found.begin(URL, "Job x", {})
        assert (caught.value.failure.code, script.sent) == (code, 1)
    else:
        assert found.begin(URL, "Job x", {}) == {}
        assert script.sent == 2


@pytest.mark.parametrize(
    ("answer", "code"), [(429, "THROTTLED"), (503, "GOOGLE_UNAVAILABLE"), (REFUSED, "GOOGLE_UNREACHABLE")]
)
def test_repetitions_have_an_end(monkeypatch: pytest.MonkeyPatch, answer: int | Exception, code: str) -> None:
    found, script = made(monkeypatch, forever(answer))
    with pytest.raises(Failed) as caught:
        found.get(URL, "it")
    assert (caught.value.failure.code, caught.value.exit) == (code, Exit.TIMEOUT)
    assert client.PATIENCE_SECONDS - 8 <= sum(script.slept) <= client.PATIENCE_SECONDS


def test_half_a_release_waits_longer_and_what_follows_does_not_wait_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found, script = made(monkeypatch, forever(SILENT))
    script.seconds = client.SECONDS
    with found.changes.guarded(lambda: None):
        with pytest.raises(Failed):
            found.get(URL, "it")
        assert script.now - 1000 > client.LOCKED_PATIENCE_SECONDS - 2 * client.SECONDS
        before = script.sent
        with pytest.raises(Failed):
            found.get(URL, "the way back")
        assert script.sent == before + 1
        script.answers = iter([200, SILENT, 200])  # the network is back, and its next fault has its own time
        assert found.get(URL, "it") == {}
        assert found.get(URL, "it") == {}


def test_refused_token_is_renewed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = Renewable()
    found, script = made(monkeypatch, iter([401, 200]), tokens)
    assert found.get(URL, "it") == {}
    assert (tokens.renewals, script.slept) == (1, [])


@pytest.mark.parametrize(("renewable", "sent"), [(True, 2), (False, 1)])
def test_token_that_stays_refused_is_named(monkeypatch: pytest.MonkeyPatch, renewable: bool, sent: int) -> None:
    found, script = made(monkeypatch, forever(401), Renewable(renewable=renewable))
    with pytest.raises(Failed) as caught:
        found.get(URL, "it")
    assert (caught.value.failure.code, caught.value.exit, script.sent) == ("GOOGLE_NOT_LOGGED_IN", Exit.REFUSED, sent)


def test_log_in_without_a_network_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    class Offline(Renewable):
        def access(self) -> str:
            self.renewals += 1
            if self.renewals < 3:
                raise auth.Unreachable(Failure("GOOGLE_UNREACHABLE", "no answer"), Exit.TIMEOUT)
            return "token"

    found, script = made(monkeypatch, iter([200]), Offline())
    assert found.begin(URL, "Job x", {}) == {}
    assert (script.sent, script.slept) == (1, [1.0, 2.0])


def test_lost_write_is_a_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = made(monkeypatch, iter([409]))
    with pytest.raises(errors.WriteConflict):
        found.write("PUT", URL, "it", {})
