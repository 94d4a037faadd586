"""A secrets manager that the deployer reads, for a machine: a rotated value replaces the instances."""

import json
import os
import uuid

import pytest

from tests.support import secrets_manager
from tests.support.machines import PASSWORD, MachineStage

pytestmark = [pytest.mark.drill(minutes=3), pytest.mark.alone, pytest.mark.needs("aws")]
NAMES = {
    "AWS_ENDPOINT_URL_SECRETS_MANAGER": "ENDPOINT",
    "AWS_REGION": "REGION",
    "AWS_ACCESS_KEY_ID": "ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY": "SECRET_ACCESS_KEY",
}


def values_of(stage: MachineStage) -> str:
    """The variables of the instance that serves."""
    script = f"docker ps -q --filter label=deploy.project={stage.name} --filter label=deploy.role=web"
    return stage.hosts[0].run(f"docker inspect -f '{{{{json .Config.Env}}}}' $({script})")


def test_a_rotated_secret_replaces_the_instances_and_a_rollback_gets_the_old_one(actor: MachineStage) -> None:
    if not os.environ.get("TEST_AWS_ENDPOINT"):
        pytest.skip("no emulator of AWS (TEST_AWS_ENDPOINT)")
    variables = {name: os.environ[f"TEST_AWS_{short}"] for name, short in NAMES.items()}
    name = f"shop/{uuid.uuid4().hex[:8]}"
    given = ("-e", f"secret={{store: aws, keys: {{DATABASE_URL: '{name}#url'}}}}")
    with actor.fresh() as stage:
        secrets_manager.put(name, json.dumps({"url": stage.database}))
        try:
            first = stage.deploy("v1", *given, **variables)
            assert first.code == 0, first
            again = stage.deploy("v1", *given, **variables)
            assert "changed=0" in again.out, again  # the control: without a new value they stay
            password = uuid.uuid4().hex
            stage.sql(f"create role rotated superuser login password '{password}'")
            rotated_url = stage.database.replace(f"postgres:{PASSWORD}", f"rotated:{password}")
            secrets_manager.put(name, json.dumps({"url": rotated_url}))
            with stage.load(rate=60) as load:
                rotated = stage.deploy("v1", *given, **variables)
            print(f"{load.sent} requests, failures {dict(load.failures)}")
            assert rotated.code == 0, rotated
            assert not load.failures
            assert rotated_url in values_of(stage)
            back = stage.task("rollback", "--to", "1", *given, seconds=900, **variables)
            assert back.code == 0, back
            assert stage.database in values_of(stage)
            for ended in (first, again, rotated, back):
                assert PASSWORD not in ended.out
                assert password not in ended.out
        finally:
            secrets_manager.delete(name)
