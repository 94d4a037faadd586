"""An ExternalSecret, its operator, and AWS Secrets Manager: a rotation, a version of each release, a missing key."""

import base64
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support import secrets_manager
from tests.support.stage import PASSWORD, Stage, until

pytestmark = pytest.mark.needs("external_secrets", "aws")

URL = "postgresql://{user}:{password}@postgres:5432/shop"
STORE = """
apiVersion: v1
kind: Secret
metadata: {name: aws}
stringData: {id: IDENTIFIER, key: SECRET}
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: aws}
spec:
  provider:
    aws:
      service: SecretsManager
      region: REGION
      auth: {secretRef: {accessKeyIDSecretRef: {name: aws, key: id}, secretAccessKeySecretRef: {name: aws, key: key}}}
"""


@pytest.fixture(autouse=True)
def operator() -> None:
    if "TEST_EXTERNAL_SECRETS" not in os.environ:
        pytest.skip("no External Secrets operator (TEST_EXTERNAL_SECRETS)")


@contextmanager
def with_a_store(actor: Stage) -> Iterator[tuple[Stage, str]]:
    """A stage whose namespace has a SecretStore, and the name of a secret there with the database's address."""
    name = f"test-{uuid.uuid4().hex[:8]}/database"
    store = STORE
    for word, variable in (("IDENTIFIER", "ACCESS_KEY_ID"), ("SECRET", "SECRET_ACCESS_KEY"), ("REGION", "REGION")):
        store = store.replace(word, os.environ[f"TEST_AWS_{variable}"])
    with actor.fresh() as stage:
        stage.kubectl("apply", "-f", "-", stdin=store)
        until(lambda: "True" in stage.kubectl("get", "secretstore", "aws", "-o", "json"), 120, "the SecretStore")
        try:
            yield stage, name
        finally:
            secrets_manager.delete(name)


def secret(name: str, version: str = "") -> tuple[str, str]:
    """The option of a deploy. `version`: of the secret, the newest by default."""
    versions = f", versions: {{DATABASE_URL: uuid/{version}}}" if version else ""
    keys = f"keys: {{DATABASE_URL: '{name}#url'}}"
    return ("-e", f"secret={{external: {{store: aws, store_kind: SecretStore, refresh: 2s, {keys}{versions}}}}}")


def put(name: str, **user: str) -> str:
    return secrets_manager.put(name, json.dumps({"url": URL.format(**user)}))


def url_of_the_pods(stage: Stage) -> str:
    (container,) = stage.deployment()["spec"]["template"]["spec"]["containers"]
    source = next(item for item in container["env"] if item["name"] == "DATABASE_URL")["valueFrom"]["secretKeyRef"]
    return base64.b64decode(stage.get("secret", source["name"])["data"][source["key"]]).decode()


def add_user(stage: Stage) -> dict[str, str]:
    user = {"user": f"user_{uuid.uuid4().hex[:8]}", "password": uuid.uuid4().hex}
    stage.sql(f"create role {user['user']} superuser login password '{user['password']}'")
    return user


@pytest.mark.alone
@pytest.mark.drill(minutes=3)
def test_a_rotated_secret_replaces_the_pods(actor: Stage) -> None:
    with with_a_store(actor) as (stage, name):
        put(name, user="postgres", password=PASSWORD)
        first = stage.deploy("v1", *secret(name))
        assert first.code == 0, first
        before = stage.pods()
        again = stage.deploy("v1", *secret(name))
        assert " changed=0 " in again.out, again
        assert stage.pods() == before, "the control: without a new value they stay"

        user = add_user(stage)
        put(name, **user)
        until(lambda: user["user"] in url_of_the_pods(stage), 120, "the operator's next look")
        status = stage.task("status", *secret(name))
        assert "older" in status.out or "changed" in status.out, status
        with stage.load() as load:
            rotated = stage.deploy("v1", *secret(name))
        assert rotated.code == 0, rotated
        assert not load.failures, load.failures
        assert not before & stage.pods()
        for ended in (first, again, status, rotated):
            assert PASSWORD not in ended.out
            assert user["password"] not in ended.out
        print(f"{load.sent} requests, slowest {load.slowest:.2f} s")


@pytest.mark.alone
@pytest.mark.drill(minutes=3)
def test_a_rollback_gets_the_version_of_its_release(actor: Stage) -> None:
    with with_a_store(actor) as (stage, name):
        old = put(name, user="postgres", password=PASSWORD)
        first = stage.deploy("v1", *secret(name, old))
        assert first.code == 0, first
        user = add_user(stage)
        new = put(name, **user)
        with stage.load() as load:
            second = stage.deploy("v2", *secret(name, new))
            assert second.code == 0, second
            assert user["user"] in url_of_the_pods(stage)
            back = stage.task("rollback", "--yes", *secret(name, new), seconds=900)
        assert back.code == 0, back
        assert not load.failures, load.failures
        assert url_of_the_pods(stage) == URL.format(user="postgres", password=PASSWORD)
        print(f"{load.sent} requests, slowest {load.slowest:.2f} s")


@pytest.mark.drill(minutes=2)
def test_a_missing_key_ends_the_deploy_with_the_operators_reason(actor: Stage) -> None:
    with with_a_store(actor) as (stage, name):
        put(name, user="postgres", password=PASSWORD)
        first = stage.deploy("v1", *secret(name))
        assert first.code == 0, first
        before = stage.pods()
        missing = stage.deploy("v2", *secret(name.replace("database", "another")))
        assert missing.code in (3, 6), missing
        assert "SECRET_NOT_WRITTEN" in missing.out, missing
        assert "Secret does not exist" in missing.out, missing
        assert stage.pods() == before
