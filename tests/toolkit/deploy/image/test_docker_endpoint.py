"""The engine that the toolkit talks to is the one of the `docker` command."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from toolkit.deploy.image import docker_endpoint
from toolkit.deploy.outcomes import Failed


@pytest.fixture
def contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A client's configuration with contexts, as `docker context create` leaves them; none is in use."""
    (tmp_path / "config.json").write_text("{}")
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    hosts = {"desktop": "unix:///run/desktop.sock", "far": "tcp://build.example.com:2376", "shell": "ssh://ada@build"}
    for name, host in hosts.items():
        content = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}}}
        _meta(tmp_path, name).write_text(json.dumps(content))
    _meta(tmp_path, "broken").write_text("{")
    return tmp_path


def _meta(folder: Path, name: str) -> Path:
    path = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest() / "meta.json"
    path.parent.mkdir(parents=True)
    return path


def use(contexts: Path, name: str) -> None:
    (contexts / "config.json").write_text(json.dumps({"currentContext": name}))


@pytest.mark.parametrize(
    ("variables", "used", "address", "source"),
    [
        ({}, "", "", "the default"),
        ({}, "default", "", "the default"),
        ({}, "desktop", "unix:///run/desktop.sock", "context desktop, docker context use"),
        ({"DOCKER_CONTEXT": "desktop"}, "far", "unix:///run/desktop.sock", "context desktop, DOCKER_CONTEXT"),
        ({"DOCKER_CONTEXT": "default"}, "far", "", "the default"),
        (
            {"DOCKER_HOST": "tcp://127.0.0.1:2375", "DOCKER_CONTEXT": "gone"},
            "far",
            "tcp://127.0.0.1:2375",
            "DOCKER_HOST",
        ),
        (
            {"DOCKER_HOST": "", "DOCKER_CONTEXT": ""},
            "far",
            "tcp://build.example.com:2376",
            "context far, docker context use",
        ),
    ],
)
def test_the_order_is_that_of_the_command(
    contexts: Path, variables: dict[str, str], used: str, address: str, source: str
) -> None:
    use(contexts, used)
    assert docker_endpoint.resolve(variables) == docker_endpoint.Endpoint(address, source)


@pytest.mark.skipif(not shutil.which("docker"), reason="the docker command is not installed")
@pytest.mark.parametrize("variables", [{}, {"DOCKER_CONTEXT": "desktop"}, {"DOCKER_HOST": "tcp://127.0.0.1:2375"}])
def test_the_command_itself_agrees(contexts: Path, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    use(contexts, "far")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    command = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert docker_endpoint.resolve().address == done.stdout.strip()


@pytest.mark.parametrize(
    ("variables", "used", "code", "words", "hint"),
    [
        ({"DOCKER_CONTEXT": "gone"}, "", "NO_CONTEXT", "'gone'", "unset DOCKER_CONTEXT"),
        ({}, "gone", "NO_CONTEXT", "'gone'", "docker context use default"),
        ({}, "shell", "ENGINE_UNSUPPORTED", "ssh://", "docker context use default"),
        ({"DOCKER_HOST": "ssh://ada@build:2222"}, "", "ENGINE_UNSUPPORTED", "ssh://", "unset DOCKER_HOST"),
        ({"DOCKER_CONTEXT": "broken"}, "", "NO_CONTEXT", "cannot be read", "unset DOCKER_CONTEXT"),
    ],
)
def test_what_cannot_work_is_refused_by_name(
    contexts: Path, variables: dict[str, str], used: str, code: str, words: str, hint: str
) -> None:
    use(contexts, used)
    with pytest.raises(Failed, match=code) as caught:
        docker_endpoint.resolve(variables)
    assert words in caught.value.failure.message
    assert hint in caught.value.failure.hint


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("", True),
        ("unix:///var/run/docker.sock", True),
        ("npipe:////./pipe/docker_engine", True),
        ("tcp://127.0.0.1:2375", True),
        ("tcp://[::1]:2375", True),
        ("tcp://localhost:2375", True),
        ("tcp://build.example.com:2376", False),
        ("tcp://10.0.0.7:2375", False),
    ],
)
def test_an_engine_elsewhere_cannot_mount_this_folder(address: str, local: bool) -> None:
    found = docker_endpoint.Endpoint(address, "DOCKER_HOST")
    assert found.is_local is local
    if local:
        docker_endpoint.require_local(found, "up")
    else:
        with pytest.raises(Failed, match="ENGINE_REMOTE") as caught:
            docker_endpoint.require_local(found, "up")
        assert address in caught.value.failure.evidence[0]
        assert caught.value.failure.hint == "unset DOCKER_HOST"
