"""Bad input: one line with the cause and the next step, an exit code, no traceback, and nothing half done."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.image.conftest import Checkout, docker, set_image
from tests.image.test_build import images
from tests.support.answering import Quiet, answering
from tests.support.stage import Ended


def told(ended: Ended, code: str) -> str:
    """Return the failure's lines, after checking their form."""
    assert ended.code not in (0, 1), str(ended)
    assert "Traceback" not in ended.out, str(ended)
    lines = ended.out.splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith(f"{code}: ")), None)
    assert first is not None, str(ended)
    assert any(line.startswith("  next: ") for line in lines[first:]), str(ended)
    return "\n".join(lines[first:])


def told_after(ended: Ended, code: str) -> str:
    """Return all of the output, after checking the form of the failure's lines."""
    told(ended, code)
    return ended.out


def nothing_runs(checkout: Checkout) -> bool:
    label = f"label=com.docker.compose.project={checkout.variables['COMPOSE_PROJECT_NAME']}"
    return docker("ps", "--all", "--quiet", "--filter", label) == ""


@pytest.mark.parametrize("task", ["up", "down", "logs", "build", "push"])
def test_no_engine(checkout: Checkout, task: str) -> None:
    told(checkout.task(task, DOCKER_HOST="unix:///nowhere/docker.sock"), "NO_ENGINE")
    assert not (checkout.folder / ".env").exists()


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"DOCKER_CONTEXT": "gone"}, "NO_CONTEXT"),
        ({"DOCKER_HOST": "ssh://ada@build.example.com"}, "ENGINE_UNSUPPORTED"),
        ({"DOCKER_HOST": "tcp://build.example.com:2376"}, "ENGINE_REMOTE"),
    ],
)
def test_an_engine_that_cannot_serve(checkout: Checkout, variables: dict[str, str], code: str) -> None:
    told(checkout.task("up", **variables), code)
    assert not (checkout.folder / ".env").exists()


def test_a_profile_that_no_service_has(compose: Checkout) -> None:
    said = told(compose.task("up", "--profile", "observabilty"), "UNKNOWN_PROFILE")
    assert "--profile observability?" in said
    assert not (compose.folder / ".env").exists()


@pytest.mark.parametrize("task", ["up", "build", "push"])
def test_two_heads(compose: Checkout, task: str) -> None:
    for name in ("one1", "two2"):
        text = f'revision = "{name}"\ndown_revision = None\n'
        (compose.folder / "alembic" / "versions" / f"{name}.py").write_text(text)
    said = told(compose.task(task), "SEVERAL_HEADS")
    assert all(words in said for words in ("one1", "two2", "python3 tasks.py migrate.merge"))
    assert not (compose.folder / ".env").exists()


def test_an_image_that_cannot_be_fetched(compose: Checkout) -> None:
    """A tag that no registry has; without a network, the registry cannot be asked."""
    compose.variables["POSTGRES_VERSION"] = "of-a-test-alone"
    ended = compose.task("up")
    code = next(code for code in ("REGISTRY_UNREACHABLE", "IMG_NOT_FOUND", "RATE_LIMITED") if code in ended.out)
    told(ended, code)
    assert nothing_runs(compose)


def test_a_warning_of_compose_is_shown(compose: Checkout) -> None:
    (compose.folder / ".env").write_text("POSTGRES_PASSWORD=abc\nLOG_LEVEL=LOUD\nNOTE=a$nothing\n")
    assert 'Compose warns: The "nothing" variable is not set' in told_after(compose.task("up"), "SETTINGS_REFUSED")


def test_the_data_of_another_major_version(compose: Checkout) -> None:
    """A volume that says so is enough for PostgreSQL to refuse it."""
    volume = f"{compose.variables['COMPOSE_PROJECT_NAME']}_database"
    compose.variables["POSTGRES_PASSWORD"] = "of-a-test"
    compose.compose("up", "--detach", "--wait", "db")
    compose.compose("down")
    image = f"postgres:{compose.variables['POSTGRES_VERSION']}"
    docker("run", "--rm", "--volume", f"{volume}:/data", "--entrypoint", "sh", image, "-c", "echo 9 > /data/PG_VERSION")
    said = told(compose.task("up"), "DATABASE_VERSION")
    assert "echo POSTGRES_VERSION=9 >> .env" in said
    assert "--volumes" not in said
    assert nothing_runs(compose)
    assert docker("volume", "ls", "--quiet", "--filter", f"name={volume}") == volume


def test_a_checkout_with_windows_line_endings(compose: Checkout) -> None:
    path = compose.folder / "entrypoint.sh"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    for task in ("up", "build"):
        said = told(compose.task(task), "LINE_ENDINGS")
    fix = said.split("next: ")[1].partition(" (")[0]
    subprocess.run(["sh", "-c", fix], cwd=compose.folder, check=True)
    assert b"\r" not in path.read_bytes()
    assert nothing_runs(compose)


def test_an_engine_without_buildkit(checkout: Checkout, tmp_path: Path) -> None:
    """A docker command that knows no plugins."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "docker").write_text("#!/bin/sh\necho \"docker: '$1' is not a docker command.\" >&2\nexit 1\n")
    (folder / "docker").chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    set_image(checkout, "127.0.0.1:1/test-never-built/shop")
    told(checkout.task("build", PATH=path), "NO_BUILDX")
    told(checkout.task("up", PATH=path), "NO_COMPOSE")
    assert nothing_runs(checkout)


def test_a_port_that_is_taken(compose: Checkout) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        said = told(compose.task("up", APP_PORT=str(holder.getsockname()[1])), "PORT_TAKEN")
    assert "APP_PORT=" in said
    assert nothing_runs(compose)


@contextmanager
def registry_that_answers(status: int, body: dict[str, object]) -> Iterator[str]:
    """A registry that refuses or fails, which a real one rarely does."""

    class Answer(Quiet):
        def do_GET(self) -> None:
            login = {"WWW_Authenticate": 'Basic realm="registry"'} if status == 401 else {}
            self.answer(status, json.dumps(body).encode(), Content_Type="application/json", **login)

        do_HEAD = do_POST = do_GET

    with answering(Answer) as address:
        yield f"{address}/test/shop"


def test_a_registry_that_is_down(checkout: Checkout) -> None:
    set_image(checkout, "127.0.0.1:1/test/shop")
    assert "connection refused" in told(checkout.task("push"), "REGISTRY_UNREACHABLE")
    assert images("127.0.0.1:1/test/shop") == []


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (401, "UNAUTHORIZED", "IMG_DENIED"),
        (403, "DENIED", "IMG_DENIED"),
        (503, "UNAVAILABLE", "REGISTRY_UNREACHABLE"),
    ],
)
def test_a_registry_that_refuses(checkout: Checkout, status: int, error: str, code: str) -> None:
    with registry_that_answers(status, {"errors": [{"code": error, "message": "not like this"}]}) as repository:
        set_image(checkout, repository)
        told(checkout.task("push"), code)
        assert images(repository) == []


def test_wrong_credentials(checkout: Checkout, tmp_path: Path) -> None:
    with registry_that_answers(401, {"errors": [{"code": "UNAUTHORIZED", "message": "wrong password"}]}) as repository:
        host = repository.partition("/")[0]
        (tmp_path / "config.json").write_text(json.dumps({"auths": {host: {"auth": "YWRhOndyb25n"}}}))
        set_image(checkout, repository)
        said = told(checkout.task("push", DOCKER_CONFIG=str(tmp_path)), "IMG_DENIED")
        assert f"docker login {host}" in said


def test_a_disk_that_fills_up(checkout: Checkout) -> None:
    """/dev/full says what a full disk says."""
    path = checkout.folder / "Dockerfile"
    path.write_text(
        path.read_text().replace("RUN python -m compileall", "RUN dd if=/dev/zero of=/dev/full && python -m compileall")
    )
    set_image(checkout, "127.0.0.1:1/test/full")
    assert "docker builder prune" in told(checkout.task("build"), "DISK_FULL")
    assert images("127.0.0.1:1/test/full") == []


BUILD = """
from pathlib import Path
from toolkit.deploy import container_cli as containers
raise SystemExit(containers.build(Path(), check=False, sbom=False, platform=""))
"""


def build_as_it_is(checkout: Checkout) -> Ended:
    """Without the start of tasks.py, which brings lock and environment up to date on a developer's machine."""
    python = str(checkout.folder / ".venv" / "bin" / "python")
    environment = dict(checkout.environment)
    done = subprocess.run(
        [python, "-c", BUILD], cwd=checkout.folder, env=environment, capture_output=True, text=True, check=False
    )
    return Ended(done.returncode, done.stdout + done.stderr, 0)


def require_more(checkout: Checkout) -> None:
    path = checkout.folder / "pyproject.toml"
    path.write_text(path.read_text().replace('"structlog>=', '"cowsay>=6", "structlog>='))


def test_a_lock_that_does_not_match(checkout: Checkout) -> None:
    set_image(checkout, "127.0.0.1:1/test/stale")
    checkout.ok("--list")
    require_more(checkout)
    told(build_as_it_is(checkout), "LOCK_STALE")
    assert images("127.0.0.1:1/test/stale") == []


def test_a_lock_that_does_not_match_in_a_pipeline(checkout: Checkout) -> None:
    before = (checkout.folder / "uv.lock").read_text()
    require_more(checkout)
    ended = checkout.task("build", UV_LOCKED="1")
    assert ended.code != 0
    assert "`uv.lock` needs to be updated" in ended.out
    assert "Traceback" not in ended.out
    assert (checkout.folder / "uv.lock").read_text() == before


def test_no_lock_at_all(checkout: Checkout) -> None:
    checkout.ok("--list")
    (checkout.folder / "uv.lock").unlink()
    told(build_as_it_is(checkout), "NO_LOCK")


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("LOG_LEVEL=INFO\n", "ENV_MISSING", "POSTGRES_PASSWORD"),
        ("POSTGRES_PASSWORD=abc\nFOO BAR-baz\n", "ENV_MALFORMED", "line 2"),
        ("POSTGRES_PASSWORD=a@b\n", "ENV_MALFORMED", "POSTGRES_PASSWORD"),
        ("POSTGRES_PASSWORD=ab$cd\n", "ENV_MALFORMED", "POSTGRES_PASSWORD"),
        ("POSTGRES_PASSWORD=abc\nLOG_LEVEL=LOUD\n", "SETTINGS_REFUSED", "LOG_LEVEL"),
        ("POSTGRES_PASSWORD=abc\nDRAIN_SECONDS=soon\n", "SETTINGS_REFUSED", "DRAIN_SECONDS"),
    ],
)
def test_an_env_file_with_a_fault(compose: Checkout, text: str, code: str, words: str) -> None:
    (compose.folder / ".env").write_text(text)
    assert words in told(compose.task("up"), code)
    assert (compose.folder / ".env").read_text() == text
    assert nothing_runs(compose)


def test_a_database_whose_password_is_lost(compose: Checkout) -> None:
    docker("volume", "create", f"{compose.variables['COMPOSE_PROJECT_NAME']}_database")
    assert "--volumes" not in told(compose.task("up"), "PASSWORD_LOST")
    assert not (compose.folder / ".env").exists()
    compose.ok("down", "--volumes")
    assert docker("volume", "ls", "--quiet", "--filter", f"name={compose.variables['COMPOSE_PROJECT_NAME']}") == ""


def test_a_migration_that_fails_leaves_nothing_running(compose: Checkout) -> None:
    path = next((compose.folder / "alembic" / "versions").glob("*_initial.py"))
    path.write_text(
        path.read_text().replace(
            "def upgrade() -> None:\n", "def upgrade() -> None:\n    op.execute('SELECT nonsense')\n"
        )
    )
    assert "nonsense" in told(compose.task("up"), "MIGRATION_FAILED")
    assert nothing_runs(compose)
