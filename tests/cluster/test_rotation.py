"""Secrets that change under a running service: the pods are replaced, and until then every look says what is wrong."""

import json
import re
import urllib.error
import uuid
from dataclasses import replace

import pytest

from tests.support.stage import PASSWORD, Stage, until

URL = "postgresql://postgres:{password}@postgres:5432/shop"


def set_secret(stage: Stage, url: str) -> None:
    patch = json.dumps({"stringData": {"DATABASE_URL": url}})
    stage.kubectl("patch", "secret", "shop", "--type=merge", "--patch", patch)


@pytest.mark.drill(minutes=1)
def test_a_changed_secret_replaces_the_pods(running: Stage) -> None:
    before = running.pods()
    again = running.deploy("v1")
    assert again.code == 0, again
    assert running.pods() == before, "the control: without a change they stay"
    set_secret(running, URL.format(password=PASSWORD).replace("postgresql", "postgres", 1))
    shown = running.task("deploy", "--check", "--diff", "--exit-code", image="v1")
    assert shown.code == 2, shown
    assert "deploy/sources: " in shown.out
    assert PASSWORD not in shown.out
    assert "changed since the pods started" in running.task("status").out
    changed = running.deploy("v1")
    assert changed.code == 0, changed
    assert not before & running.pods()
    assert "changed since the pods started" not in running.task("status").out
    same = running.deploy("v1")
    assert re.search(r"ok=8 +changed=0", same.out), same


@pytest.mark.drill(minutes=1)
def test_another_database_is_migrated_before_pods_use_it(running: Stage) -> None:
    """The schema that the running pods report is that of the old database."""
    other = f"other_{uuid.uuid4().hex[:6]}"
    running.sql(f"create database {other}")
    set_secret(running, URL.format(password=PASSWORD).removesuffix("shop") + other)
    ended = running.deploy("v1")
    assert ended.code == 0, ended
    assert running.http("/api/v1/products")["items"] == []
    set_secret(running, URL.format(password=PASSWORD))
    assert running.deploy("v1").code == 0


@pytest.mark.drill
def test_a_rotated_password(running: Stage) -> None:
    """From the rotation to the service that is served again, by what the tasks say and nothing else."""
    rotated = uuid.uuid4().hex
    running.sql(f"alter user postgres password '{rotated}'")
    running.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'shop' and pid <> pg_backend_pid()"
    )
    until(lambda: is_refused(running), 60, "requests are refused")
    until(lambda: "PostgreSQL rejected the password (28P01)" in running.task("status").out, 60, "status says so")
    until(lambda: "0 of 2 ready" in running.task("status").out, 60, "every pod has noticed")

    told = running.task("doctor")
    assert told.code == 6, told
    assert re.search(r"failed +database +.* PostgreSQL rejected the password \(28P01\)", told.out), told
    before = running.versions()
    useless = running.deploy("v1")
    assert useless.code == 6, useless
    assert "DATABASE_REFUSED" in useless.out
    print(f"refused after {useless.seconds:.1f} s")
    assert running.versions() == before

    command = re.search(r"fix: (kubectl .* patch secret shop .*)", told.out)
    assert command, told
    assert "postgresql://USER:PASSWORD@HOST:5432/DATABASE" in command[1]
    set_secret(running, URL.format(password=rotated))
    told = running.task("doctor")
    assert "the Secret has changed since the pods started" in told.out, told
    ended = running.deploy("v1")
    assert ended.code == 0, ended
    assert running.http("/api/v1/products")["items"] is not None
    assert re.search(r"^ok +database ", running.task("doctor").out, re.MULTILINE)


@pytest.mark.drill
def test_a_wrong_password_in_the_secret_leaves_the_pods_alone(running: Stage) -> None:
    pods, url = running.pods(), running.kubectl("get", "secret", "shop", "-o", "jsonpath={.data.DATABASE_URL}")
    set_secret(running, URL.format(password="not-the-password"))
    ended = running.deploy("v1")
    assert ended.code == 3, ended
    assert "rejected the password" in ended.out
    assert running.pods() == pods
    running.kubectl("patch", "secret", "shop", "--type=merge", "--patch", json.dumps({"data": {"DATABASE_URL": url}}))
    assert running.deploy("v1").code == 0


def is_refused(stage: Stage) -> bool:
    """503 by the pods, or no pod left that would take the connection."""
    try:
        stage.http("/api/v1/products")
    except urllib.error.HTTPError as error:
        return error.code == 503
    except OSError:
        return True
    return False


@pytest.mark.drill
def test_settings_may_come_by_env_from(running: Stage) -> None:
    running.kubectl("create", "configmap", "common", "--from-literal=JWT_ISSUER=https://identity/")
    settings = tuple(setting for setting in running.settings if "JWT_ISSUER" not in setting)
    stage = replace(running, settings=settings)
    missing = stage.deploy("v1")
    assert missing.code == 6, missing
    assert "JWT_ISSUER is not set" in missing.out
    ended = stage.deploy("v1", "-e", "env_from=[{configMapRef: {name: common}}]")
    assert ended.code == 0, ended
    gone = stage.deploy("v1", "-e", "env_from=[{configMapRef: {name: no-such}}]")
    assert gone.code == 6, gone
    assert "REFERENCE_MISSING" in gone.out
