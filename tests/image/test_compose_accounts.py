"""`up` of a service with users of its own: the first administrator by a command, and the service's own tests log in."""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.conftest import POSTGRES_VERSION, Checkout, docker, environment
from tests.support.bakery import Bakery
from tests.support.running import free_port

EMAIL, PASSWORD = "ada@example.com", "correct horse battery staple"


@pytest.fixture
def users(engine: None, bakery: Bakery, tmp_path: Path) -> Iterator[Checkout]:
    """A service with users, with a Compose project and ports of its own; gone afterwards."""
    folder, project = tmp_path / "shop", f"test-{uuid.uuid4().hex[:8]}"
    bakery.copy(bakery.bake(project_name="Shop", auth="accounts"), folder)
    ports = {name: str(free_port()) for name in ("APP_PORT", "DB_PORT", "PROMETHEUS_PORT")}
    variables = {"COMPOSE_PROJECT_NAME": project, "POSTGRES_VERSION": POSTGRES_VERSION, **ports}
    checkout = Checkout(folder, environment(bakery), variables)
    yield checkout
    checkout.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--rmi", "local", check=False)
    docker("image", "rm", "--force", f"{project}-development", check=False)


@pytest.mark.drill(minutes=3)
def test_the_own_tests_log_in_to_what_up_starts(users: Checkout, bakery: Bakery) -> None:
    users.ok("up")
    create = ("exec", "-T", "app", "python", "-m", "app", "user", "create", "--email", EMAIL, "--role", "admin")
    typed = subprocess.run(
        ["docker", "compose", *create],
        cwd=users.folder,
        env={**users.environment, "SERVICE_USER": f"{os.getuid()}:{os.getgid()}", **users.variables},
        input=f"{PASSWORD}\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert typed.returncode == 0, typed.stdout + typed.stderr
    assert "user_created" in typed.stderr
    assert PASSWORD not in typed.stdout + typed.stderr
    query = ("exec", "-T", "db", "psql", "-U", "postgres", "-d", "shop", "-Atc", "SELECT email, roles FROM users")
    assert users.compose(*query).strip() == f"{EMAIL}|{{admin}}"

    for password, code in ((PASSWORD, 0), ("another password of hers", 1)):
        given = {
            "BASE_URL": f"http://127.0.0.1:{users.variables['APP_PORT']}",
            "E2E_EMAIL": EMAIL,
            "E2E_PASSWORD": password,
        }
        command = [str(users.folder / ".venv" / "bin" / "python"), "-m", "pytest", "tests/e2e", "-q", "-n0"]
        done = bakery.run(command, cwd=users.folder, env={**bakery.environment, **given})
        assert done.returncode == code, done.stdout + done.stderr
        print(done.stdout.splitlines()[-1])

    checked = users.task("verify", "--json")
    lines = [json.loads(line) for line in checked.out.splitlines() if line.startswith("{")]
    failed = [line for line in lines if line["event"] == "result" and line["status"] == "failed"]
    assert not failed, checked
