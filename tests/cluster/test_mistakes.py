"""A person's mistakes: one clear error each, exit 6, nothing touched."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.stage import Stage, run

NO_DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("image", "arguments", "said"),
    [
        ("v2", ("-e", "replicsa=3"), "did you mean replicas?"),
        ("v2", ("-e", "resources.memory=1Gi"), "did you mean memory_limit?"),
        ("v2", ("-e", "server=https://elsewhere.example:6443"), "WRONG_CLUSTER"),
        ("v2", ("-e", "context=no-such-context"), "NO_CONTEXT"),
        ("v2", ("-e", "server="), "server: https://"),
        ("v2", ("-e", "settings.DRAIN_SECONDS=300"), "GRACE"),
        ("v2", ("-e", "database_max_connections=20"), "CONNECTIONS"),
        ("v2", ("-e", "settings.LOG_LEVL=INFO"), "LOG_LEVL is not a setting of this service; did you mean LOG_LEVEL?"),
        ("v2", ("-e", "settings.LOG_LEVEL=VERBOSE", "-e", "settings.DRAIN_SECONDS=abc"), "settings: DRAIN_SECONDS: "),
        ("v2", ("-e", "settings.JWT_ISSUER="), "settings: JWT_ISSUER is not set"),
        ("v2", ("-e", "settings.ENVIRONMENT=local"), "set staging or production"),
        ("v2", ("-e", "settings.POSTGRES_PASSWORD=hidden-word"), "keys: [DATABASE_URL, POSTGRES_PASSWORD]"),
        ("v2", ("-e", "secret={name: shop, keys: [DATABASE_URL, API_KEY]}"), "SECRET_KEY_MISSING"),
        ("v2", ("-e", "secret={name: no-such-secret}"), "SECRET_MISSING"),
        ("v2", ("-e", "secret={from_env: [NOT_SET_ANYWHERE]}"), "SECRET_NOT_SET"),
        (NO_DIGEST, (), "IMG_NOT_FOUND"),
    ],
)
def test_refused_before_anything_is_touched(running: Stage, image: str, arguments: tuple[str, ...], said: str) -> None:
    before = running.versions()
    ended = running.deploy(image, *arguments)
    assert ended.code == 6, ended
    assert said in ended.out, ended
    assert "Traceback" not in ended.out
    assert "hidden-word" not in ended.out
    assert running.versions() == before


@pytest.mark.parametrize("source", ["name", "from_env"])
def test_a_password_that_everyone_knows_is_refused(running: Stage, source: str) -> None:
    """A value that the toolkit can read is checked before any change."""
    url = "postgresql://postgres:password@postgres:5432/shop"
    running.kubectl(
        "create", "secret", "generic", f"public-{source.replace('_', '-')}", f"--from-literal=DATABASE_URL={url}"
    )
    secret = "{name: public-name}" if source == "name" else "{from_env: [DATABASE_URL]}"
    before = running.versions()
    ended = running.deploy("v2", "-e", f"secret={secret}", DATABASE_URL=url)
    assert ended.code == 6, ended
    assert "SETTINGS_REFUSED" in ended.out
    assert "DATABASE_URL has a publicly known password" in ended.out
    assert url not in ended.out
    assert running.versions() == before


def test_a_setting_that_the_service_does_not_declare_is_reported(running: Stage) -> None:
    shown = running.task("deploy", "--check", "-e", "settings.FEATURE_COLOURS=blue", image="v1")
    assert shown.code == 0, shown
    assert "FEATURE_COLOURS is not declared as a setting of this service" in shown.out


def test_a_credential_plugin_that_fails(running: Stage, tmp_path: Path) -> None:
    """Beside the kubeconfig, and with words of its own. Nothing is sent: an anonymous request would be FORBIDDEN."""
    plugin = tmp_path / "plugin"
    plugin.write_text("#!/bin/sh\necho 'your session has expired' >&2\nexit 1\n")
    plugin.chmod(0o755)
    config = json.loads(run("kubectl", "config", "view", "--raw", "--flatten", "-o", "json"))
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin", "interactiveMode": "Never"}
    config["users"] = [{"name": user["name"], "user": {"exec": command}} for user in config["users"]]
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    ended = running.deploy("v2", KUBECONFIG=str(tmp_path / "kubeconfig"))
    assert ended.code == 6, ended
    assert "NO_CREDENTIALS" in ended.out
    assert "your session has expired" in ended.out
    assert "FORBIDDEN" not in ended.out
    assert "ERROR:root" not in ended.out


def test_a_missing_confirmation_is_refused(running: Stage) -> None:
    before = running.versions()
    ended = running.task("deploy", "-e", "confirm=true", image="v2")
    assert ended.code == 6, ended
    assert "NOT_CONFIRMED" in ended.out
    assert running.versions() == before


def test_no_permission(running: Stage, tmp_path: Path) -> None:
    """A service account that may look, and not touch."""
    running.kubectl("create", "serviceaccount", "onlooker")
    running.kubectl(
        "create", "rolebinding", "onlooker", "--clusterrole=view", f"--serviceaccount={running.namespace}:onlooker"
    )
    token = running.kubectl("create", "token", "onlooker").strip()
    config = json.loads(run("kubectl", "config", "view", "--raw", "--flatten", "-o", "json"))
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    before = running.versions()
    ended = running.deploy("v2", KUBECONFIG=str(tmp_path / "kubeconfig"))
    assert ended.code == 6, ended
    assert "FORBIDDEN" in ended.out
    assert running.versions() == before
    told = running.task("doctor", KUBECONFIG=str(tmp_path / "kubeconfig"))
    assert told.code == 6, told
    assert "patch deployments" in told.out


def test_an_unknown_environment(running: Stage) -> None:
    command = [part if part != "staging" else "stagign" for part in running.command("deploy")]
    done = subprocess.run(
        command, cwd=running.project, env=running.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 6, done.stdout + done.stderr
    assert "did you mean staging?" in done.stdout
