"""Releases that fail on ECS: each has its code and cause, and the one before serves all the time."""

import json

import pytest

from tests.support.ecs import PASSWORD, EcsStage

pytestmark = pytest.mark.drill(minutes=1)


@pytest.mark.parametrize(
    ("image", "keys", "expected"),
    [
        ("crash", (), ("CRASH_LOOP", "exit code 17", "cannot open the flux capacitor")),
        ("unready", ("rollout_seconds=30",), ("NOT_READY",)),
        ("deaf", ("rollout_seconds=30",), ("NOT_READY",)),
    ],
)
def test_failing_release_is_rolled_back(
    running: EcsStage, image: str, keys: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    with running.load(rate=30, threads=2) as load:
        ended = running.deploy(image, *(part for key in keys for part in ("-e", key)))
    assert ended.code == 3, ended
    for text in expected:
        assert text in ended.out, ended
    assert running.served() == running.images["v1"]
    assert not load.failures, load.failures
    assert running.history()[-1]["outcome"] == "rolled_back"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("image=sha256:" + "0" * 64,), ("IMG_NOT_FOUND",)),
        (("settings.JWT_ISSUER=''",), ("SETTINGS_REFUSED",)),
        (("secret.keys.OTHER_URL=nobody/has-this",), ("SECRET_NOT_FOUND", "OTHER_URL: nobody/has-this")),
        (("cluster=elsewhere",), ("CLUSTER_NOT_FOUND",)),
        (("log_group=/elsewhere",), ("LOG_GROUP_NOT_FOUND", "/elsewhere")),
        (("execution_role=arn:aws:iam::000000000000:role/elsewhere",), ("ROLE_NOT_FOUND",)),
        (("subnets=[subnet-elsewhere]",), ("NO_SUBNETS", "subnet-elsewhere")),
        (("port=9000",), ("OTHER_CONTAINER", "app:8000", "app:9000")),
        (('account="123456789012"',), ("OTHER_ACCOUNT", "000000000000")),
        (("architecture=arm64",), ("IMG_PLATFORM", "linux/arm64")),
        (("memory=640",), ("INVENTORY_INVALID", "512, 1024, 2048")),
    ],
)
def test_refused_before_anything_changes(running: EcsStage, keys: tuple[str, ...], expected: tuple[str, ...]) -> None:
    before = running.writes()
    image = None if any(key.startswith("image=") for key in keys) else "v2"
    ended = running.task("deploy", "--yes", *(part for key in keys for part in ("-e", key)), image=image)
    assert ended.code == 6, ended
    for text in expected:
        assert text in ended.out, ended
    assert "next:" in ended.out
    assert running.writes() == before


def test_missing_property_of_a_secret_fails_the_tasks(running: EcsStage) -> None:
    """Its value may not be read by a deployer, so only the tasks can tell."""
    ended = running.deploy("v1", "-e", f"secret.keys.DATABASE_URL={running.name}/database#uri")
    assert ended.code == 3, ended
    assert "SECRET_NOT_FOUND" in ended.out
    assert "json key" in ended.out
    assert running.served() == running.images["v1"]


def test_wrong_password_fails_in_the_migration(running: EcsStage) -> None:
    """A changed secret is another task definition, and may name another database. The release is not touched."""
    assert running.aws
    before = running.service()["taskDefinition"]
    wrong = json.dumps({"url": running.database.replace(PASSWORD, "not-this-one")})
    running.aws("secretsmanager", "put_secret_value", SecretId=f"{running.name}/database", SecretString=wrong)
    try:
        ended = running.deploy("v1")
    finally:
        right = json.dumps({"url": running.database})
        running.aws("secretsmanager", "put_secret_value", SecretId=f"{running.name}/database", SecretString=right)
    assert ended.code == 3, ended
    assert "password authentication failed" in ended.out
    assert "next:" in ended.out
    assert "not-this-one" not in ended.out
    assert running.service()["taskDefinition"] == before
    assert running.served() == running.images["v1"]
    assert running.deploy("v1").code == 0  # a new version of the secret


def test_deployment_of_someone_else_is_replaced_by_a_restart(running: EcsStage) -> None:
    """A task definition without an image has been named by hand: restart is of the last good release."""
    assert running.aws
    live = running.aws("ecs", "describe_task_definition", taskDefinition=running.service()["taskDefinition"])
    app = live["taskDefinition"]["containerDefinitions"][0]
    gone = {**app, "image": app["image"].rpartition("@")[0] + "@sha256:" + "1" * 64}
    kept = {key: live["taskDefinition"][key] for key in ("family", "networkMode", "cpu", "memory", "executionRoleArn")}
    made = running.aws("ecs", "register_task_definition", **kept, containerDefinitions=[gone])
    revision = made["taskDefinition"]["taskDefinitionArn"]
    running.aws("ecs", "update_service", cluster=running.name, service=running.name, taskDefinition=revision)
    ended = running.task("restart", "--yes")
    assert ended.code == 0, ended  # restart is of the last good release, and replaces what cannot start
    assert running.served() == running.images["v1"]
