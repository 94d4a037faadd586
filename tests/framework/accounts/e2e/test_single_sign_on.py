"""Two services: the other one (OTHER_SERVICE, made with `auth=jwt`) accepts the tokens of this one by its key set."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from app.auth.signing import new_key, rotated
from tests.factories import FACTORIES
from tests.support.databases import ROOT
from tests.support.service import free_port, unmeasured
from tests.support.waiting import PATIENCE
from toolkit.dev.subprocesses import die_with_parent

PASSWORD = "correct horse battery staple"
ISSUER = "https://accounts.example.com"
OTHER = os.environ.get("OTHER_SERVICE", "")
pytestmark = pytest.mark.skipif(not OTHER, reason="OTHER_SERVICE is not set: the folder of a service with auth=jwt")


@contextmanager
def served(folder: Path, port: int, **settings: str) -> Iterator[str]:
    """A service of a folder at this port, and its URL."""
    url = f"http://127.0.0.1:{port}"
    environment = {**unmeasured(), "HOST": "127.0.0.1", "PORT": str(port), **settings}
    python = str(folder / ".venv" / "bin" / "python")
    process = subprocess.Popen([python, "-m", "app"], cwd=folder, env=environment, preexec_fn=die_with_parent)
    try:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and process.poll() is None:
            try:
                if httpx2.get(f"{url}/", timeout=PATIENCE).status_code == 404:
                    break
            except httpx2.TransportError:
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE)


def token(url: str, scope: str = "") -> str:
    form = {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD, "scope": scope}
    answer = httpx2.post(f"{url}/api/v1/auth/token", data=form, timeout=PATIENCE)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def call(url: str, method: str, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx2.request(method, f"{url}{FACTORIES[0].PATH}", headers=headers, timeout=PATIENCE).status_code


async def test_another_service_accepts_the_tokens_by_the_key_set(own_database: str) -> None:
    await asyncio.to_thread(sign_on, own_database)


def sign_on(database: str) -> None:
    python, port = str(ROOT / ".venv" / "bin" / "python"), free_port()
    command = [python, "-m", "app", "user", "create", "--email", "ada@example.com", "--role", "admin"]
    settings = {"DATABASE_URL": database, "ACCOUNTS_ISSUER": ISSUER}
    subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, input=PASSWORD, text=True, check=True)
    first = new_key("EdDSA")
    bundles = [first]
    while len(bundles) < 4:
        bundles.append(rotated(bundles[-1])[0])
    other_settings = {
        "DATABASE_URL": database,
        "JWT_JWKS_URL": f"http://127.0.0.1:{port}/.well-known/jwks.json",
        "JWT_JWKS_FRESH_SECONDS": "1",
        "JWT_ALGORITHMS": "EdDSA",
        "JWT_ISSUER": ISSUER,
        "JWT_AUDIENCE": "orders",
    }
    resource = FACTORIES[0].PATH.rpartition("/")[2]
    with served(Path(OTHER), free_port(), **other_settings) as other:
        with served(ROOT, port, **settings, ACCOUNTS_KEY=first, ACCOUNTS_AUDIENCE="accounts,orders") as url:
            old = token(url)
            assert call(other, "GET", old) == 200
            assert call(other, "POST", token(url, f"{resource}:read")) == 403  # by scope
        with served(ROOT, port, **settings, ACCOUNTS_KEY=first, ACCOUNTS_AUDIENCE="accounts,bank") as url:
            assert call(other, "GET", token(url)) == 401  # for another audience
            assert call(other, "GET", old) == 200  # the control: the key is the same
        for bundle, accepted in zip(bundles[1:], (200, 200, 401), strict=True):
            with served(ROOT, port, **settings, ACCOUNTS_KEY=bundle, ACCOUNTS_AUDIENCE="accounts,orders") as url:
                time.sleep(1.1)  # the other service's copy of the key set is not fresh any more
                assert call(other, "GET", token(url)) == 200
                assert call(other, "GET", old) == accepted
