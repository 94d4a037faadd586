"""Secrets managers, read by their own clients: AWS of an emulator, the others of small servers."""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import secret_stores
from toolkit.deploy import stores
from toolkit.deploy.outcomes import Failed, Failure
from toolkit.deploy.stores import Reference, chosen, reference
from toolkit.dev import bootstrap

URL = "postgresql://shop@db/shop"
OBJECT = json.dumps({"url": URL, "port": 5432})


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("catalogue/database#url", Reference("catalogue/database", "url")),
        ("catalogue/database", Reference("catalogue/database")),
        ("arn:aws:secretsmanager:eu:1:secret:a-b#url", Reference("arn:aws:secretsmanager:eu:1:secret:a-b", "url")),
    ],
)
def test_a_reference_names_a_secret_or_a_property(text: str, parsed: Reference) -> None:
    assert reference(text) == parsed
    assert str(parsed) == text


@pytest.mark.parametrize(
    ("value", "name", "found"),
    [
        (OBJECT, "url", URL),
        (OBJECT, "port", "5432"),
        (OBJECT, "password", None),
        (OBJECT, "", OBJECT),
        ("plain", "", "plain"),
        ("plain", "url", None),
        ('["url"]', "url", None),
        (None, "url", None),
        (None, "", None),
    ],
)
def test_a_property_is_of_a_json_object(value: str | None, name: str, found: str | None) -> None:
    assert chosen(value, Reference("a", name)) == found


@contextmanager
def aws(secrets: dict[str, str]) -> Iterator[dict[str, str]]:
    """Secrets of the emulator; a name that exists already gets a new version."""
    endpoint = os.environ.get("TEST_AWS_ENDPOINT")
    if not endpoint:
        pytest.skip("no emulator of AWS (TEST_AWS_ENDPOINT)")
    variables = {
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": endpoint,
        "AWS_REGION": os.environ["TEST_AWS_REGION"],
        "AWS_ACCESS_KEY_ID": os.environ["TEST_AWS_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": os.environ["TEST_AWS_SECRET_ACCESS_KEY"],
    }
    script = """
import boto3, json, os, sys
client = boto3.client("secretsmanager", region_name=os.environ["AWS_REGION"])
for name, value in json.load(sys.stdin).items():
    client.create_secret(Name=name, SecretString=value)
"""
    uv = bootstrap.find_uv(Path.cwd())
    assert uv
    command = [uv, "run", "--quiet", "--no-project", "--with", "boto3>=1.42,<2", "python", "-c", script]
    environment = {**bootstrap.uv_environment(), **variables}
    subprocess.run(command, input=json.dumps(secrets), env=environment, check=True, text=True, timeout=300)
    yield variables


@contextmanager
def served(name: str, folder: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    """A store with one JSON secret, and one that may not be read: their keys, and the deployer's variables."""
    mark = uuid.uuid4().hex[:8]
    if name == "aws":
        with aws({f"{mark}/database": OBJECT}) as variables:
            yield f"{mark}/database", "", variables
    elif name == "vault":
        with secret_stores.vault({"kv/shop/database": OBJECT}) as variables:
            yield "kv/shop/database", "", variables
    elif name == "google":
        with secret_stores.google({"shop-1/database": OBJECT, "shop-1/denied": "DENIED"}, folder) as variables:
            yield "shop-1/database", "shop-1/denied", variables
    else:
        with secret_stores.azure({"database": OBJECT, "denied": "DENIED"}, folder) as (host, variables):
            yield f"{host}/database", f"{host}/denied", variables


def failure_of(store: str, keys: dict[str, str]) -> Failure:
    with pytest.raises(Failed) as caught:
        stores.read(store, keys)
    return caught.value.failure


@pytest.mark.parametrize("name", [pytest.param("aws", marks=pytest.mark.needs("aws")), "vault", "google", "azure"])
def test_each_store_is_read_by_its_own_client(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(name, tmp_path) as (key, denied, variables):
        for variable, value in variables.items():
            monkeypatch.setenv(variable, value)
        wanted = {"DATABASE_URL": f"{key}#url", "PORT": f"{key}#port", "ALL": key}
        found = stores.read(name, wanted)
        assert (found["DATABASE_URL"], found["PORT"], json.loads(found["ALL"])) == (URL, "5432", json.loads(OBJECT))

        missing = failure_of(name, {"A": f"{key}#password", "B": f"{key}-gone#url", "C": f"{key}#url"})
        assert missing.code == "SECRET_NOT_FOUND"
        assert missing.evidence == (f"A: {key} has no property password", f"B: {key}-gone#url does not exist")
        assert URL not in str(missing)

        if denied:
            refused = failure_of(name, {"A": denied})
            assert (refused.code, refused.hint) == ("STORE_REFUSED", stores.STORES[name].refused)


def test_a_wrong_token_of_vault_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with secret_stores.vault({}) as variables:
        monkeypatch.setenv("VAULT_ADDR", variables["VAULT_ADDR"])
        monkeypatch.setenv("VAULT_TOKEN", "another")
        failure = failure_of("vault", {"A": "kv/a#b"})
    assert (failure.code, failure.hint) == ("STORE_REFUSED", stores.STORES["vault"].refused)
    assert "permission denied" in failure.evidence[-1]


def test_a_store_that_is_away_has_a_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:1")
    failure = failure_of("vault", {"A": "kv/a#b"})
    assert (failure.code, failure.hint) == ("STORE_UNREACHABLE", "set VAULT_ADDR to the address of your Vault")
