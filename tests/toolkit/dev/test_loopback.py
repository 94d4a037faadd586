"""Connections to this machine, with a proxy in the environment that leads nowhere."""

import os
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from toolkit.dev import loopback

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def url() -> Iterator[str]:
    """Address of a server of this machine."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.setenv(name, NOWHERE)
        monkeypatch.setenv(name.lower(), NOWHERE)
    for name in loopback.NAMES:
        monkeypatch.delenv(name, raising=False)
    # urlopen keeps the proxies that it found at its first call in this process, by whichever test.
    monkeypatch.setattr(urllib.request, "_opener", None)


def ask(url: str) -> int:
    """By urllib, with an opener of its own: the shared one keeps the proxies that were set at its first use."""
    with urllib.request.build_opener().open(url, timeout=60) as answer:
        return int(answer.status)


@pytest.mark.usefixtures("behind_a_proxy")
def test_this_machine_is_reached_without_the_proxy(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="refused"):
        ask(url)
    with pytest.raises(httpx2.TransportError):
        httpx2.get(url, timeout=60)
    for name in loopback.NAMES:
        monkeypatch.setenv(name, "")
    loopback.bypass_proxy(os.environ)
    assert ask(url) == 204
    assert httpx2.get(url, timeout=60).status_code == 204


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "corp.example, .internal"}, "corp.example,.internal,localhost,127.0.0.1,::1"),
        ({"no_proxy": "a", "NO_PROXY": "b"}, "b,a,localhost,127.0.0.1,::1"),
        ({"no_proxy": "127.0.0.1,localhost,::1"}, "127.0.0.1,localhost,::1"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_exceptions_that_are_set_are_kept(given: dict[str, str], expected: str) -> None:
    variables = dict(given)
    loopback.bypass_proxy(variables)
    assert variables == {"NO_PROXY": expected, "no_proxy": expected}
