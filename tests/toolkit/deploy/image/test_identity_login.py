"""The log-in to a registry by the identity of a pipeline's job: which token goes where, and what is missing."""

import http.server
import json
import os
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.deploy.image import identity_login as login
from toolkit.deploy.outcomes import Failed

GOOGLE = "europe-west3-docker.pkg.dev/project/images/shop"
AZURE = "example.azurecr.io/team/shop"
VARIABLES = {
    "ID_TOKEN": "job",
    "GOOGLE_WORKLOAD_IDENTITY_PROVIDER": "projects/1/locations/global/workloadIdentityPools/shop-ci/providers/gitlab",
    "GOOGLE_SERVICE_ACCOUNT": "shop-push@project.iam.gserviceaccount.com",
    "AZURE_CLIENT_ID": "client",
    "AZURE_TENANT_ID": "tenant",
}


class Recorder:
    """Answers each request with the next token."""

    def __init__(self) -> None:
        self.requests: list[login.Request] = []

    def send(self, request: login.Request) -> str:
        self.requests.append(request)
        return f"token-{len(self.requests)}"


def test_google_takes_the_tokens_of_the_pool_and_then_of_the_account() -> None:
    recorder = Recorder()
    made = login.exchanged(GOOGLE, VARIABLES, recorder.send)
    assert made == login.Login("europe-west3-docker.pkg.dev", "oauth2accesstoken", "token-2")
    pool, account = recorder.requests
    assert pool.url == "https://sts.googleapis.com/v1/token"
    assert pool.json is not None
    assert pool.json["subjectToken"] == "job"
    assert pool.json["audience"] == f"//iam.googleapis.com/{VARIABLES['GOOGLE_WORKLOAD_IDENTITY_PROVIDER']}"
    assert account.url.endswith("/serviceAccounts/shop-push@project.iam.gserviceaccount.com:generateAccessToken")
    assert (account.bearer, account.member) == ("token-1", "accessToken")


def test_azure_takes_the_tokens_of_entra_and_then_of_the_registry() -> None:
    recorder = Recorder()
    made = login.exchanged(AZURE, VARIABLES, recorder.send)
    assert made == login.Login("example.azurecr.io", login.NOBODY, "token-2")
    entra, registry = recorder.requests
    assert entra.url == "https://login.microsoftonline.com/tenant/oauth2/v2.0/token"
    assert entra.form is not None
    assert (entra.form["client_id"], entra.form["client_assertion"]) == ("client", "job")
    assert registry.url == "https://example.azurecr.io/oauth2/exchange"
    assert registry.form == {
        "grant_type": "access_token",
        "service": "example.azurecr.io",
        "tenant": "tenant",
        "access_token": "token-1",
    }


@pytest.mark.parametrize(
    ("image", "left_out", "words"),
    [
        (GOOGLE, "ID_TOKEN", "not set: ID_TOKEN"),
        (GOOGLE, "GOOGLE_SERVICE_ACCOUNT", "not set: GOOGLE_SERVICE_ACCOUNT"),
        (AZURE, "AZURE_TENANT_ID", "not set: AZURE_TENANT_ID"),
        ("docker.io/example/shop", "", "expected a registry of Google or Azure"),
    ],
)
def test_what_is_missing_is_named(image: str, left_out: str, words: str) -> None:
    variables = {name: value for name, value in VARIABLES.items() if name != left_out}
    with pytest.raises(Failed, match="REGISTRY_NO_IDENTITY") as failed:
        login.exchanged(image, variables, Recorder().send)
    assert words in str(failed.value)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = urllib.parse.parse_qs(body)
        good = self.path == "/good" and form == {"a": ["b c"]} and self.headers["Authorization"] == "Bearer x"
        content = json.dumps({"token": "made"} if good else {"error": "subject does not match"}).encode()
        self.send_response(200 if good or self.path == "/empty" else 403)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def address() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_request_is_sent_and_a_refusal_has_the_answer_and_no_token(address: str) -> None:
    assert login._post(login.Request(f"{address}/good", "token", form={"a": "b c"}, bearer="x")) == "made"
    with pytest.raises(Failed, match="answers 403") as failed:
        login._post(login.Request(f"{address}/bad", "token", json={"subjectToken": "secret"}, bearer="secret"))
    assert "subject does not match" in str(failed.value)
    assert "secret" not in str(failed.value)
    with pytest.raises(Failed, match="gives no token"):
        login._post(login.Request(f"{address}/empty", "token", form={}))


def test_the_password_goes_to_docker_by_its_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "docker"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\ncat > {tmp_path}/input\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(login, "_post", Recorder().send)
    login.login(AZURE, VARIABLES)
    assert (
        tmp_path / "arguments"
    ).read_text() == f"login --username {login.NOBODY} --password-stdin example.azurecr.io\n"
    assert (tmp_path / "input").read_text() == "token-2"
