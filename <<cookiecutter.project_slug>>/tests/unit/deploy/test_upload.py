"""The registry is asked whether it would take a push, as Docker would ask it."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy import upload
from deploy.model import Failed

LOGIN = base64.b64encode(b"ada:right").decode()


@pytest.mark.parametrize(
    ("repository", "url"),
    [
        ("127.0.0.1:5000/team/shop", "http://127.0.0.1:5000/v2/team/shop/blobs/uploads/"),
        ("ghcr.io/team/shop", "https://ghcr.io/v2/team/shop/blobs/uploads/"),
        ("docker.io/example/shop", "https://registry-1.docker.io/v2/example/shop/blobs/uploads/"),
        ("shop", "https://registry-1.docker.io/v2/library/shop/blobs/uploads/"),
    ],
)
def test_where_an_upload_begins(repository: str, url: str) -> None:
    assert upload.uploads_url(repository) == url


def test_a_challenge_is_read() -> None:
    header = 'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull"'
    scheme, parameters = upload.challenge(header)
    assert scheme == "bearer"
    assert parameters["realm"] == "https://auth.example/token"
    assert parameters["service"] == "registry.example"


@contextmanager
def registry(*, tokens: bool) -> Iterator[tuple[str, list[str]]]:
    """A registry that wants ada's log-in, directly or by way of a token; what it was asked, in order."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def _answer(self, status: int, headers: dict[str, str], body: object = None) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            asked.append("token")
            assert "scope=repository%3Ateam%2Fshop%3Apull%2Cpush" in self.path
            right = self.headers["Authorization"] == f"Basic {LOGIN}"
            self._answer(200 if right else 401, {}, {"token": "let-in"} if right else {"errors": []})

        def do_POST(self) -> None:
            asked.append("begin")
            host = self.headers["Host"]
            if self.headers["Authorization"] == ("Bearer let-in" if tokens else f"Basic {LOGIN}"):
                self._answer(202, {"Location": "/v2/team/shop/blobs/uploads/1?state=2"})
            elif tokens:
                self._answer(401, {"WWW-Authenticate": f'Bearer realm="http://{host}/token",service="test"'})
            else:
                self._answer(401, {"WWW-Authenticate": 'Basic realm="test"'})

        def do_DELETE(self) -> None:
            asked.append(f"cancel {self.path}")
            self._answer(204, {})

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def log_in(monkeypatch: pytest.MonkeyPatch, folder: Path, host: str, login: str) -> None:
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": login}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))


@pytest.mark.parametrize("tokens", [True, False], ids=["token", "basic"])
def test_an_upload_is_begun_and_called_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tokens: bool) -> None:
    with registry(tokens=tokens) as (host, asked):
        log_in(monkeypatch, tmp_path, host, LOGIN)
        upload.try_push(f"{host}/team/shop")
    cancel = "cancel /v2/team/shop/blobs/uploads/1?state=2"
    assert asked == ["begin", *(["token"] if tokens else []), "begin", cancel]


@pytest.mark.parametrize("tokens", [True, False], ids=["token", "basic"])
def test_a_wrong_log_in_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tokens: bool) -> None:
    with registry(tokens=tokens) as (host, asked):
        log_in(monkeypatch, tmp_path, host, base64.b64encode(b"ada:wrong").decode())
        with pytest.raises(Failed, match="IMG_DENIED") as error:
            upload.try_push(f"{host}/team/shop")
    assert f"docker login {host}" in error.value.failure.hint
    assert not any(said.startswith("cancel") for said in asked)


def test_a_registry_that_is_away_is_told() -> None:
    with pytest.raises(Failed, match="REGISTRY_UNREACHABLE"):
        upload.try_push("127.0.0.1:1/team/shop")
