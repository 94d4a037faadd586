"""A person's mistakes: one clear error each, exit 6, nothing touched."""

import subprocess

import pytest

from tests.support.stage import Stage

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
    assert running.versions() == before


def test_an_unknown_environment(running: Stage) -> None:
    command = [part if part != "staging" else "stagign" for part in running.command("deploy")]
    done = subprocess.run(
        command, cwd=running.project, env=running.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 6, done.stdout + done.stderr
    assert "did you mean staging?" in done.stdout
