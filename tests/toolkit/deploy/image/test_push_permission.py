"""The registry is asked whether it would take a push, as Docker would ask it."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from toolkit.deploy.image import push_permission, registry_client
from toolkit.deploy.outcomes import Failed

LOGIN = base64.b64encode(b"ada:right").decode()


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine answers, whatever this machine runs. By TCP: the SDK leaves a Unix socket that refuses it open."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")


@pytest.mark.parametrize(
    ("repository", "host", "path"),
    [
        ("127.0.0.1:5000/team/shop", "127.0.0.1:5000", "team/shop"),
        ("ghcr.io/team/shop", "ghcr.io", "team/shop"),
        ("docker.io/example/shop", "registry-1.docker.io", "example/shop"),
        ("shop", "registry-1.docker.io", "library/shop"),
    ],
)
def test_the_address_of_a_repository(repository: str, host: str, path: str) -> None:
    assert registry_client.address_of(repository) == (host, path)


# `docker info --format '{{json .RegistryConfig}}'` of an engine with "insecure-registries": ["registry.corp:5000", ...]
CONFIGURED = {
    "InsecureRegistryCIDRs": ["10.1.0.0/16", "127.0.0.0/8"],
    "IndexConfigs": {
        "docker.io": {"Name": "docker.io", "Official": True, "Secure": True},
        "registry.corp:5000": {"Name": "registry.corp:5000", "Official": False, "Secure": False},
    },
}


@pytest.mark.parametrize(
    ("host", "configured", "addresses", "insecure"),
    [
        ("registry.corp:5000", CONFIGURED, ["192.0.2.1"], True),
        ("registry.corp", CONFIGURED, ["192.0.2.1"], False),
        ("docker.io", CONFIGURED, ["127.0.0.1"], False),
        ("build:5000", CONFIGURED, ["10.1.2.3"], True),
        ("build:5000", CONFIGURED, [], False),
        ("127.0.0.1:5000", {}, ["127.0.0.1"], True),
        ("[::1]:5000", {}, ["::1"], False),
        ("ghcr.io", {}, ["192.0.2.1"], False),
    ],
)
def test_a_registry_is_insecure_when_the_engine_says_so(
    host: str, configured: dict[str, object], addresses: list[str], insecure: bool
) -> None:
    assert registry_client.is_insecure(host, configured, addresses) is insecure


def test_a_challenge_is_read() -> None:
    header = 'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull"'
    scheme, parameters = registry_client.challenge(header)
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


def test_tls_is_required_unless_the_engine_does_without() -> None:
    with registry(tokens=False) as (host, asked):
        answer = registry_client.Client(f"{host}/team/shop", insecure=True).ask("POST", "/blobs/uploads/")
    assert answer.status == 401
    assert asked == ["begin", "begin"]


def log_in(monkeypatch: pytest.MonkeyPatch, folder: Path, host: str, login: str) -> None:
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": login}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))


@pytest.mark.parametrize("tokens", [True, False], ids=["token", "basic"])
def test_an_upload_is_begun_and_called_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tokens: bool) -> None:
    with registry(tokens=tokens) as (host, asked):
        log_in(monkeypatch, tmp_path, host, LOGIN)
        push_permission.try_push(f"{host}/team/shop")
    cancel = "cancel /v2/team/shop/blobs/uploads/1?state=2"
    assert asked == ["begin", *(["token"] if tokens else []), "begin", cancel]


@pytest.mark.parametrize("tokens", [True, False], ids=["token", "basic"])
def test_a_wrong_login_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tokens: bool) -> None:
    with registry(tokens=tokens) as (host, asked):
        log_in(monkeypatch, tmp_path, host, base64.b64encode(b"ada:wrong").decode())
        with pytest.raises(Failed, match="IMG_DENIED") as error:
            push_permission.try_push(f"{host}/team/shop")
    assert f"docker login {host}" in error.value.failure.hint
    assert not any(said.startswith("cancel") for said in asked)


def test_an_unreachable_registry_is_reported() -> None:
    with pytest.raises(Failed, match="REGISTRY_UNREACHABLE"):
        push_permission.try_push("127.0.0.1:1/team/shop")
