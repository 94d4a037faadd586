"""Secrets of a secrets manager: a value that changes there replaces the pods, and a rollback gets the old one."""

import base64
import json
import re
import uuid
from collections.abc import Iterator

import pytest

from tests.support import secret_stores
from tests.support.stage import PASSWORD, Stage

URL = "postgresql://{user}:{password}@postgres:5432/shop"
SECRET = ("-e", "secret={store: vault, keys: {DATABASE_URL: 'kv/shop/database#url'}}")


@pytest.fixture
def secrets() -> dict[str, str]:
    return {"kv/shop/database": json.dumps({"url": URL.format(user="postgres", password=PASSWORD)})}


@pytest.fixture
def vault(secrets: dict[str, str]) -> Iterator[dict[str, str]]:
    with secret_stores.vault(secrets) as variables:
        yield variables


def url_of_the_pods(stage: Stage) -> str:
    """Return the value that the Deployment's pods read."""
    (container,) = stage.deployment()["spec"]["template"]["spec"]["containers"]
    source = next(item for item in container["env"] if item["name"] == "DATABASE_URL")["valueFrom"]["secretKeyRef"]
    return base64.b64decode(stage.get("secret", source["name"])["data"][source["key"]]).decode()


@pytest.mark.alone
@pytest.mark.drill(minutes=4)
def test_a_rotated_secret_replaces_the_pods_and_a_rollback_gets_the_old_one(
    actor: Stage, vault: dict[str, str], secrets: dict[str, str]
) -> None:
    with actor.fresh() as stage:
        first = stage.deploy("v1", *SECRET, **vault)
        assert first.code == 0, first
        before, old = stage.pods(), url_of_the_pods(stage)
        again = stage.deploy("v1", *SECRET, **vault)
        assert " changed=0 " in again.out, again
        assert stage.pods() == before, "the control: without a new value they stay"

        password = uuid.uuid4().hex
        stage.sql(f"create role rotated superuser login password '{password}'")
        secrets["kv/shop/database"] = json.dumps({"url": URL.format(user="rotated", password=password)})
        with stage.load() as load:
            rotated = stage.deploy("v1", *SECRET, **vault)
        assert rotated.code == 0, rotated
        assert not load.failures, load.failures
        assert not before & stage.pods()
        assert password in url_of_the_pods(stage)

        back = stage.task("rollback", "--yes", "--to", "1", *SECRET, seconds=900, **vault)
        assert back.code == 0, back
        assert url_of_the_pods(stage) == old
        for ended in (first, again, rotated, back):
            assert PASSWORD not in ended.out
            assert password not in ended.out
        print(f"{load.sent} requests, slowest {load.slowest:.2f} s")


@pytest.mark.drill(minutes=1)
def test_a_store_that_refuses_ends_the_deploy_before_anything_is_touched(
    running: Stage, vault: dict[str, str], secrets: dict[str, str]
) -> None:
    before = running.versions()
    refused = running.deploy("v2", *SECRET, **{**vault, "VAULT_TOKEN": "another"})
    assert refused.code == 6, refused
    assert "STORE_REFUSED: Vault refused to return a secret" in refused.out
    secrets.clear()
    missing = running.deploy("v2", *SECRET, **vault)
    assert missing.code == 6, missing
    assert "DATABASE_URL: kv/shop/database#url does not exist" in missing.out
    doctor = running.task("doctor", *SECRET, seconds=300, **vault)
    assert re.search(r"^failed +secret +SECRET_NOT_FOUND", doctor.out, re.M), doctor
    assert running.versions() == before
