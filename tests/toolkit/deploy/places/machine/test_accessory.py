"""The accessory: what a deploy creates, and what it refuses."""

from typing import Any

import pytest

from toolkit.deploy.inventory.machine import Database, MachineEnvironment
from toolkit.deploy.outcomes import Failed
from toolkit.deploy.places.machine import containers
from toolkit.deploy.places.machine.accessory import Found, arguments, changes, url
from toolkit.deploy.places.machine.engine import Instance
from toolkit.deploy.spec import ReleaseSpec, secrets_from

LABELS = {"deploy.version": "18"}
BASE = {
    "name": "staging",
    "project": "shop",
    "hosts": ["deploy@203.0.113.7"],
    "repository": "r/shop",
    "secret": {"from_env": ["DATABASE_URL"]},
}


def given(**keys: Any) -> Database:
    return Database.model_validate({"accessory": "postgres", **keys})


def environment(**keys: Any) -> MachineEnvironment:
    return MachineEnvironment.model_validate({**BASE, "database": {"accessory": "postgres"}, **keys})


def live(status: str) -> Instance:
    return Instance("id", "shop-postgres", {}, status)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Found(None, None, None), ["create volume shop-postgres on host", "create container shop-postgres on host"]),
        # The volume was lost; its password is that of earlier releases.
        (Found("pw", None, None), ["create volume shop-postgres on host", "create container shop-postgres on host"]),
        (Found("pw", LABELS, None), ["create container shop-postgres on host"]),
        # A deploy was killed before the start.
        (Found("pw", LABELS, live("created")), ["start container shop-postgres on host"]),
        (Found("pw", LABELS, live("exited")), ["start container shop-postgres on host"]),
        (Found("pw", LABELS, live("running")), []),
        (Found("pw", LABELS, live("restarting")), []),
    ],
)
def test_changes(found: Found, expected: list[str]) -> None:
    assert [str(change) for change in changes("shop", "host", given(), found)] == expected


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (Found(None, LABELS, live("running")), "DATABASE_PASSWORD"),
        (Found("pw", {**LABELS, "deploy.version": "17"}, live("running")), "DATABASE_VERSION"),
    ],
)
def test_refusals(found: Found, code: str) -> None:
    with pytest.raises(Failed) as failed:
        changes("shop", "host", given(), found)
    assert failed.value.failure.code == code


@pytest.mark.parametrize(("version", "folder"), [(17, "/var/lib/postgresql/data"), (18, "/var/lib/postgresql")])
def test_data_is_in_the_volume_for_every_version(version: int, folder: str) -> None:
    made = arguments("shop", given(version=version), "pw")
    assert made["host"]["binds"] == [f"shop-postgres:{folder}"]
    assert made["image"] == f"postgres:{version}"
    assert list(made["networks"]) == ["shop"]
    assert "ports" not in made


def test_address_is_made_and_not_read_from_the_environment() -> None:
    env = environment(secret={"from_env": ["DATABASE_URL", "JWT_KEY"]})
    assert secrets_from(env, {"JWT_KEY": "k"}) == {"JWT_KEY": "k"}
    assert secrets_from(env, {"JWT_KEY": "k", "DATABASE_URL": "postgresql://elsewhere"}) == {"JWT_KEY": "k"}
    assert ReleaseSpec("shop", environment(secret={"from_env": ["JWT_KEY"]}), "d").secret_keys == (
        "DATABASE_URL",
        "JWT_KEY",
    )
    # The control: without an accessory it is required.
    with pytest.raises(Failed, match="SECRET_NOT_SET"):
        secrets_from(environment(database=None), {})


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"hosts": ["a", "b"]}, "keep one host"),
        ({"secret": {"store": "vault", "keys": {"DATABASE_URL": "kv/shop"}}}, "is made for the accessory"),
        ({"database": {"accessory": "mysql"}}, "postgres"),
        ({"database": {"accessory": "postgres", "version": 9}}, "greater than or equal to 13"),
        ({"database": {"accessory": "postgres", "backups": 0}}, "greater than or equal to 1"),
    ],
)
def test_mistakes_in_the_inventory(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        environment(**keys)


def test_secrets_have_the_made_address() -> None:
    spec = ReleaseSpec("shop", environment(), "sha256:d")
    made = [
        containers.web(spec, environment(), {"DATABASE_URL": url("shop", password)}) for password in ("one", "other")
    ]
    assert made[0]["secrets"] != made[1]["secrets"]
    assert "one" not in containers.spec_text(made[0])
