"""Migrations that fail, or that leave no way back but a backup."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.support.accessories import AccessoryStage
from tests.support.machines import MachineStage
from tests.support.revised_images import checkout, revision, table
from tests.support.stage import Ended

pytestmark = pytest.mark.drill(minutes=2)

# Migrates, and ends when it should serve.
MIGRATES = 'if [ "$1" = migrate ]; then exec alembic upgrade head; fi; echo no such table; exit 3'
ENTRY = f"ENTRYPOINT {json.dumps(['/bin/sh', '-c', MIGRATES, 'entrypoint'])}"


@pytest.fixture(scope="module")
def author(actor: MachineStage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccessoryStage]:
    """A database of the toolkit's with one row, and a checkout to write revisions in."""
    with AccessoryStage("", actor.project, actor.images, actor.environment).fresh() as made:
        ended = made.deploy("v1")
        assert ended.code == 0, ended
        row = "(id, name, price, description) values (gen_random_uuid(), 'Lamp', 9.5, 'bright')"
        made.sql(f"insert into {table(made)} {row}")
        yield checkout(made, tmp_path_factory.mktemp("author"))


def serves_as_before(stage: MachineStage, **kept: str) -> None:
    assert stage.served() == stage.images["v1"]
    assert stage.containers() == {"blue-1": "running", "postgres": "running", "proxy": "running", **kept}


def test_a_failing_one_leaves_the_release_alone(author: AccessoryStage) -> None:
    schema = author.sql("select version_num from alembic_version")
    image = revision(author, "ab01", 'op.execute("SELECT 1/0")')
    with author.load(rate=20, threads=2) as load:
        ended = author.deploy(image)
    (author.project / "alembic" / "versions" / "ab01.py").unlink()
    assert ended.code == 3, ended
    assert "MIGRATION_FAILED" in ended.out
    assert "division by zero" in ended.out
    assert not load.failures
    assert author.sql("select version_num from alembic_version") == schema
    assert author.history()[-1]["outcome"] == "not_released"
    container = f"{author.name}-migrate"
    assert author.hosts[0].run(f"docker rm {container}").strip() == container  # kept for inspection
    serves_as_before(author)


def test_a_destructive_one_before_a_bad_image_is_taken_back_by_its_backup(author: AccessoryStage) -> None:
    before = author.history()[-2]["number"]
    image = revision(author, "ad01", 'op.drop_column("product", "description")', on_top=ENTRY)
    refused = author.deploy(image)
    assert refused.code == 6, refused
    assert "drops a column" in refused.out
    assert not author.task("backups", "--json").out.strip()
    ended = author.deploy(image, "--allow-destructive")
    assert ended.code == 4, ended
    assert "CRASH_LOOP" in ended.out
    assert "no such table" in ended.out
    assert "FORWARD_FIX" in ended.out
    assert author.history()[-1]["outcome"] == "failed"
    assert author.sql("select version_num from alembic_version") == "ad01"

    # The printed commands, as they stand there.
    restore, rollback = commands(ended)
    assert restore == ["restore", "staging", "1"]
    assert rollback == ["rollback", "staging", "--to", str(before)]
    restored = author.task("restore", "1", "--yes", "staging")
    assert restored.code == 0, restored
    back = author.task("rollback", "--to", str(before))
    assert back.code == 0, back
    assert author.sql(f"select description from {table(author)}") == "bright"  # noqa: S608
    assert author.sql("select version_num from alembic_version") != "ad01"
    serves_as_before(author, **{"green-1": "exited"})  # the failed one
    with author.load(rate=20, threads=2) as load:
        assert "changed=0" in author.deploy("v1").out
    assert not load.failures


def commands(ended: Ended) -> list[list[str]]:
    return [line.split() for line in re.findall(r"`python3 tasks\.py ((?:restore|rollback) [^`]+)`", ended.out)]
