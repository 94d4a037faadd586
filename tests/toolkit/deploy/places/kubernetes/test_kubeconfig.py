"""Kubeconfigs that cannot be used: one clear refusal each, and no request."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs import write_program
from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.kubernetes import kubeconfig

API = "client.authentication.k8s.io/v1"
GOOD = f"print('{json.dumps({'apiVersion': API, 'kind': 'ExecCredential', 'status': {'token': 't'}})}')"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "conf" / "bin").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "conf"


def written(folder: Path, user: Any, cluster: dict[str, Any] | None = None, **top: Any) -> str:
    content = {
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1", **(cluster or {})}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
        **top,
    }
    (folder / "config").write_text(json.dumps(content))
    return str(folder / "config")


@pytest.fixture
def plugin(folder: Path) -> Callable[[str], str]:
    """Write a plugin with this body; return its command, relative to the kubeconfig."""

    def write(body: str) -> str:
        write_program(folder / "bin" / "credentials", f"#!{sys.executable}\n{body}\n")
        return "bin/credentials"

    return write


def by(command: str) -> dict[str, Any]:
    return {"exec": {"apiVersion": API, "command": command, "interactiveMode": "Never"}}


def refused(paths: str, context: str | None = None) -> Failed:
    with pytest.raises(Failed) as failed:
        kubeconfig.load(paths, context)
    assert failed.value.failure.hint
    return failed.value


def test_a_plugin_beside_the_kubeconfig_is_found_and_runs_where_the_caller_is(
    folder: Path, plugin: Callable[[str], str]
) -> None:
    """As kubectl: the command is relative to the file, what it opens is relative to the caller."""
    command = plugin(f"open('was-here', 'w').close(); {GOOD}")
    loaded = kubeconfig.load(written(folder, by(command)), None)
    assert loaded.api_key["BearerToken"] == "Bearer t"
    assert Path("was-here").exists()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import sys; sys.exit('your session has expired: run login')", "your session has expired: run login"),
        ("print('no json')", "failed to decode"),
        ("print('{}')", "missing key"),
        (GOOD.replace('"token": "t"', ""), "missing token"),
    ],
)
def test_a_plugin_that_fails(
    folder: Path, plugin: Callable[[str], str], body: str, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    failed = refused(written(folder, by(plugin(body))))
    assert failed.failure.code == "NO_CREDENTIALS"
    assert words in " ".join(failed.failure.evidence)
    assert "ERROR:root" not in capfd.readouterr().err


def test_a_plugin_that_is_not_installed(folder: Path) -> None:
    failed = refused(written(folder, by("no-such-plugin")))
    assert failed.failure.code == "NO_CREDENTIALS"
    assert "no-such-plugin" in str(failed)


@pytest.mark.parametrize(
    "user",
    [
        {"client-certificate": "gone.crt", "client-key": "gone.key"},
        {"tokenFile": "gone.token"},
        {"client-certificate-data": "%%%", "client-key-data": "%%%"},
        {"client-certificate-data": "bm90aGluZw==", "client-key-data": "bm90aGluZw=="},
    ],
    ids=["certificate is gone", "token is gone", "no base64", "no certificate"],
)
def test_credentials_that_are_not_there(folder: Path, user: Any) -> None:
    failed = refused(written(folder, user))
    assert failed.failure.code == "KUBECONFIG_INVALID"


def test_the_authority_is_gone(folder: Path) -> None:
    failed = refused(written(folder, {"token": "t"}, {"certificate-authority": "gone.crt"}))
    assert failed.failure.code == "KUBECONFIG_INVALID"
    assert "gone.crt" in str(failed)


@pytest.mark.parametrize("text", ["{", "", "[]", "a: b", "contexts: 3\ncurrent-context: x"])
def test_a_file_that_is_no_kubeconfig(folder: Path, text: str) -> None:
    (folder / "config").write_text(text)
    assert refused(str(folder / "config")).failure.code in ("KUBECONFIG_INVALID", "NO_CONTEXT")


def test_no_file(folder: Path) -> None:
    assert refused(os.pathsep.join([str(folder / "a"), str(folder / "b")])).failure.code == "NO_KUBECONFIG"
    assert refused(str(folder)).failure.code == "KUBECONFIG_INVALID"


def test_no_context(folder: Path) -> None:
    failed = refused(written(folder, {"token": "t"}), "production")
    assert failed.failure.code == "NO_CONTEXT"
    assert failed.failure.evidence == ("contexts: x",)


def test_a_context_whose_user_is_nowhere(folder: Path) -> None:
    """Without the user the client would send its requests anonymously."""
    failed = refused(written(folder, {"token": "t"}, users=[]))
    assert failed.failure.code == "KUBECONFIG_INVALID"
    assert "user" in failed.failure.evidence[0]


def test_a_context_and_its_user_from_two_files(folder: Path) -> None:
    whole = json.loads(Path(written(folder, {"token": "t"})).read_text())
    (folder / "users").write_text(json.dumps({"users": whole.pop("users")}))
    (folder / "config").write_text(json.dumps(whole))
    loaded = kubeconfig.load(f"{folder / 'config'}{os.pathsep}{folder / 'users'}", "x")
    assert loaded.api_key["BearerToken"] == "Bearer t"
