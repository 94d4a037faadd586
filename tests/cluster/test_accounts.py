"""A service with users of its own on a cluster: signing key in the Secret, first administrator, own tests, rotation."""

import base64
import json
import re
import shlex
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from app.auth.signing import KeyRing, rotated
from tests.support.bakery import Bakery
from tests.support.stage import QUICK, REGISTRY, Images, Stage, namespace, run, until
from tests.support.variants import push

pytestmark = pytest.mark.drill(minutes=4)

EMAIL, PASSWORD = "ada@example.com", "correct horse battery staple"
SETTINGS = ("settings.ACCOUNTS_ISSUER=https://accounts.example.com", "settings.ACCOUNTS_AUDIENCE=shop")
PATIENCE = 120
KEYS_NEW = [sys.executable, "tasks.py", "keys.new"]


@pytest.fixture(scope="module")
def stage(cluster: None, bakery: Bakery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A namespace for a service that is not released yet."""
    project = bakery.bake(project_name="Shop", auth="accounts")
    name = f"test-{uuid.uuid4().hex[:8]}"
    repository = f"{REGISTRY}/{name}/shop"
    head = next((project / "alembic" / "versions").glob("*_initial.py")).name.split("_")[1]
    build = ["--target", "production", "--build-arg", f"SCHEMA_HEAD={head}", str(project)]
    images = Images(repository, {"v1": push(build, repository, "v1", tmp_path_factory.mktemp("image"))})
    with namespace(name):
        yield Stage(name, project, images, bakery.environment, settings=(*QUICK, *SETTINGS))


def key_of(stage: Stage) -> str:
    return base64.b64decode(stage.get("secret", "shop")["data"]["ACCOUNTS_KEY"]).decode()


def set_key(stage: Stage, bundle: str) -> None:
    patch = json.dumps({"stringData": {"ACCOUNTS_KEY": bundle}})
    stage.kubectl("patch", "secret", "shop", "--type=merge", "--patch", patch)


def post(stage: Stage, path: str, body: bytes, kind: str = "application/json") -> Any:
    request = urllib.request.Request(stage.url + path, body, {"Content-Type": kind})  # noqa: S310 - our own address
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.loads(answer.read() or "null")


def log_in(stage: Stage) -> str:
    form = {"grant_type": "password", "username": EMAIL, "password": PASSWORD}
    answer = post(
        stage, "/api/v1/auth/token", urllib.parse.urlencode(form).encode(), "application/x-www-form-urlencoded"
    )
    token: str = answer["access_token"]
    return token


def status_of(stage: Stage, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"{stage.url}/api/v1/products", headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def published(stage: Stage) -> set[str]:
    with urllib.request.urlopen(f"{stage.url}/.well-known/jwks.json", timeout=60) as answer:  # noqa: S310
        return {key["kid"] for key in json.loads(answer.read())["keys"]}


def run_own_tests(stage: Stage, bakery: Bakery, password: str) -> Any:
    environment = {**bakery.environment, "BASE_URL": stage.url, "E2E_EMAIL": EMAIL, "E2E_PASSWORD": password}
    command = [str(stage.project / ".venv" / "bin" / "python"), "-m", "pytest", "tests/e2e", "-q", "-n0"]
    return bakery.run([*command, "-p", "no:cacheprovider"], cwd=stage.project, env=environment)


def test_from_the_first_key_to_its_rotation(stage: Stage, bakery: Bakery) -> None:
    refused = stage.deploy("v1")
    assert refused.code == 6, refused
    assert "Secret shop has no ACCOUNTS_KEY" in refused.out
    command = "python3 tasks.py keys.new | python3 tasks.py secrets.set staging ACCOUNTS_KEY"
    assert command in refused.out
    pipe = f"{shlex.join(KEYS_NEW)} | {shlex.join(stage.command('secrets.set', 'ACCOUNTS_KEY'))}"
    run("/bin/sh", "-c", pipe, cwd=stage.project)
    first = key_of(stage)
    released = stage.deploy("v1")
    assert released.code == 0, released
    assert first.splitlines()[1] not in released.out
    again = stage.deploy("v1")
    assert again.code == 0, again
    assert "changed=0" in again.out

    made = stage.task(
        "run", "--", "python", "-m", "app", "user", "create", "--email", EMAIL, "--role", "admin", "--token"
    )
    assert made.code == 0, made
    (token,) = re.findall(r"^\s*([A-Za-z0-9_-]{43})\s*$", made.out, re.MULTILINE)
    post(stage, "/api/v1/auth/reset", json.dumps({"token": token, "password": PASSWORD}).encode())

    done = run_own_tests(stage, bakery, PASSWORD)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout.splitlines()[-1])
    control = run_own_tests(stage, bakery, "another password of hers")
    assert control.returncode != 0

    old = log_in(stage)
    assert status_of(stage, old) == 200
    bundles = [first]
    for accepted in (200, 200, 401):  # the new key is published, then signs; then the old one is removed
        bundles.append(rotated(bundles[-1])[0])
        set_key(stage, bundles[-1])
        drift = stage.task("deploy", "--check", "--exit-code", image="v1")
        assert drift.code == 2, drift
        deployed = stage.deploy("v1")
        assert deployed.code == 0, deployed
        expected = {key.kid for key in KeyRing(bundles[-1]).keys}
        until(lambda expected=expected: published(stage) == expected, PATIENCE, "the key set of every pod")
        assert status_of(stage, log_in(stage)) == 200
        assert status_of(stage, old) == accepted
    assert stage.task("deploy", "--check", "--exit-code", image="v1").code == 0
    audit = run("kubectl", "-n", stage.namespace, "logs", "-l", "app.kubernetes.io/name=shop", "--tail=-1")
    assert PASSWORD not in audit
