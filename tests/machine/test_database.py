"""The accessory: a PostgreSQL that a deploy creates, and no release touches."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.accessories import AccessoryStage
from tests.support.machines import MachineStage
from tests.support.revised_images import checkout, revision, table
from tests.support.running import PATIENCE
from tests.support.stage import until

pytestmark = pytest.mark.drill(minutes=5)


@pytest.fixture(scope="module")
def stage(actor: MachineStage) -> Iterator[AccessoryStage]:
    with AccessoryStage("", actor.project, actor.images, actor.environment).fresh() as made:
        yield made


def test_first_deploy_creates_the_database(stage: AccessoryStage) -> None:
    """Without DATABASE_URL, and with the `secret` of the default answers, which names it."""
    planned = stage.task("deploy", "--check", image="v1")
    assert planned.code == 0, planned
    assert f"create container {stage.container}" in planned.out
    ended = stage.deploy("v1")
    assert ended.code == 0, ended
    assert stage.served() == stage.images["v1"]
    assert stage.containers() == {"blue-1": "running", "postgres": "running", "proxy": "running"}
    assert stage.sql("select count(*) from alembic_version") == "1"
    host, folder = stage.hosts[0], f"/var/lib/deploy/{stage.name}"
    assert host.run(f"stat -c %a {folder}/database/password").strip() == "600"
    password = host.run(f"cat {folder}/database/password").strip()
    assert len(password) > 20
    assert password not in ended.out + json.dumps(stage.history())
    networks = host.run(f"docker inspect -f '{{{{json .NetworkSettings.Networks}}}}' {stage.container}")
    assert list(json.loads(networks)) == [stage.name]
    ports = host.run(f"docker inspect -f '{{{{json .HostConfig.PortBindings}}}}' {stage.container}")
    assert not json.loads(ports)


def test_releases_do_not_touch_the_database(stage: AccessoryStage) -> None:
    before = started(stage)
    assert "changed=0" in stage.deploy("v1").out
    for task, image in (("deploy", "v2"), ("rollback", None)):
        ended = stage.task(task, "--yes", image=image)
        assert ended.code == 0, ended
    assert stage.served() == stage.images["v1"]
    assert started(stage) == before


def test_lost_database_comes_back_from_a_backup_under_load(stage: AccessoryStage) -> None:
    name = table(stage)
    with stage.load(rate=60) as load:
        until(lambda: load.sent > 300, PATIENCE, "requests")
        committed = rows(stage)
        ended = stage.task("backup")
        assert ended.code == 0, ended
        until(lambda: len(rows(stage)) > len(committed) + 20, PATIENCE, "rows after the backup")
    print(f"{load.sent} requests, failures {dict(load.failures)}; {len(committed)} rows before the backup")
    assert not load.failures
    assert len(committed) > 20

    stage.lose_database()
    missing = stage.task("restore", "1", "--yes", "staging")
    assert missing.code == 6, missing
    assert "NO_DATABASE" in missing.out
    # The same image: the schema on record says nothing about a new volume.
    ended = stage.deploy("v1")
    assert ended.code == 0, ended
    assert stage.sql(f"select count(*) from {name}") == "0"  # noqa: S608
    ended = stage.task("restore", "1", "--yes", "staging")
    assert ended.code == 0, ended
    assert committed <= rows(stage)
    assert stage.history()[-1]["outcome"] == "restored"
    with stage.load(rate=20, threads=2) as load:
        until(lambda: load.sent > 40, PATIENCE, "requests")
    assert not load.failures
    # An earlier release has the same password.
    ended = stage.task("rollback", "--to", "1")
    assert ended.code == 0, ended


def test_broken_backup_is_refused_and_the_data_stays(stage: AccessoryStage) -> None:
    ended = stage.task("backup")
    assert ended.code == 0, ended
    number = backups(stage)[-1]["number"]
    path = f"/var/lib/deploy/{stage.name}/backups/{number:06}"
    host, later = stage.hosts[0], "create table later as select 1 as one"
    stage.sql(later)
    host.run(f"cp {path}.dump /tmp/{stage.name}.dump && truncate -s -200 {path}.dump")
    expect_refusal(stage, number, "checksum")
    # As if the backup had been cut off while it was written: its checksum is right, and it cannot be restored.
    host.run(f"sum=$(sha256sum {path}.dump | cut -d' ' -f1); sed -i \"s/[0-9a-f]\\{{64\\}}/$sum/\" {path}.json")
    expect_refusal(stage, number, "pg_restore")
    asked = stage.task("restore", str(number))
    assert asked.code == 6, asked
    assert "NOT_CONFIRMED" in asked.out
    assert stage.sql("select one from later") == "1"

    # The control: the whole file is taken, and what came after it is only in the replaced database.
    host.run(f"mv /tmp/{stage.name}.dump {path}.dump")
    host.run(f"sum=$(sha256sum {path}.dump | cut -d' ' -f1); sed -i \"s/[0-9a-f]\\{{64\\}}/$sum/\" {path}.json")
    ended = stage.task("restore", str(number), "--yes", "staging")
    assert ended.code == 0, ended
    assert stage.sql("select to_regclass('later') is null") == "t"
    assert stage.psql("app_replaced", "select one from later") == "1"


def test_newest_backups_are_kept(stage: AccessoryStage) -> None:
    before = backups(stage)[-1]["number"]
    for _ in range(2):
        ended = stage.task("backup", "-e", "database.backups=2")
        assert ended.code == 0, ended
    assert [item["number"] for item in backups(stage)] == [before + 1, before + 2]
    listed = stage.hosts[0].run(f"cd /var/lib/deploy/{stage.name}/backups && ls *.dump *.json").split()
    assert len(listed) == 4


def test_destructive_migration_has_its_backup(stage: AccessoryStage, tmp_path: Path) -> None:
    author = checkout(stage, tmp_path)
    have = len(backups(stage))
    added = author.deploy(revision(author, "aa01", 'op.add_column("product", sa.Column("colour", sa.Text()))'))
    assert added.code == 0, added
    assert len(backups(stage)) == have  # the control: an additive one has none
    stage.sql(f"update {table(stage)} set colour = 'red'")  # noqa: S608
    image = revision(author, "ab01", 'op.drop_column("product", "colour")')
    shown = author.task("deploy", "--check", "--allow-destructive", image=image)
    assert "write a backup of the database" in shown.out, shown
    ended = author.deploy(image, "--allow-destructive")
    assert ended.code == 0, ended
    made = backups(stage)[-1]
    assert (made["schema"], made["reason"]) == ("aa01", "before the migration aa01 -> ab01")
    ended = author.task("restore", str(made["number"]), "--yes", "staging")
    assert ended.code == 0, ended
    assert stage.sql(f"select distinct colour from {table(stage)}") == "red"  # noqa: S608
    # The restored database has the older schema again: the next deploy migrates it.
    ended = author.deploy(image, "--allow-destructive")
    assert ended.code == 0, ended
    assert stage.sql("select version_num from alembic_version") == "ab01"


def rows(stage: AccessoryStage) -> set[str]:
    return set(stage.sql(f"select id from {table(stage)}").split())  # noqa: S608


def backups(stage: AccessoryStage) -> list[dict[str, Any]]:
    ended = stage.task("backups", "--json")
    assert ended.code == 0, ended
    return [json.loads(line) for line in ended.out.splitlines()]


def expect_refusal(stage: AccessoryStage, number: int, cause: str) -> None:
    ended = stage.task("restore", str(number), "--yes", "staging")
    assert ended.code == 6, ended
    assert "BACKUP_BROKEN" in ended.out
    assert cause in ended.out
    assert stage.sql("select one from later") == "1"
    assert "app_new" not in stage.psql("postgres", "select datname from pg_database")


def started(stage: AccessoryStage) -> str:
    return stage.hosts[0].run(f"docker inspect -f '{{{{.Id}}}} {{{{.State.StartedAt}}}}' {stage.container}")
