"""Migrations that fail, wait, or leave no way back. The Deployment is touched only after a good one."""

import json
import re
import threading
from pathlib import Path

import pytest

from tests.support.load import Load
from tests.support.revised_images import checkout, image_at, revision, table, write
from tests.support.stage import Ended, Stage, run, until

ADDS = 'op.add_column("product", sa.Column("colour", sa.Text(), nullable=True))'
DROPS = 'op.drop_column("product", "description")'


@pytest.fixture(scope="module")
def author(running: Stage, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A checkout of one's own, to write revisions in; it keeps them, as the database does."""
    return checkout(running, tmp_path_factory.mktemp("author"))


@pytest.mark.drill(minutes=1)
def test_an_additive_one_runs_and_a_rollback_works_on_the_newer_schema(author: Stage) -> None:
    image = revision(author, "aa01", ADDS)
    ended = author.deploy(image)
    assert ended.code == 0, ended
    assert author.http("/ready")["schema"] == "aa01"
    back = author.task("rollback", "--yes")
    assert back.code == 0, back
    assert author.image_of_deployment() == author.images["v1"]
    assert author.http("/ready")["schema"] == "aa01"
    author.http("/api/v1/products", {"name": "Lamp", "price": "9.50"})
    assert author.history()[-1]["schema_after"] == "aa01"


def test_a_failing_one_leaves_the_deployment_alone(author: Stage) -> None:
    generation, schema = author.deployment()["metadata"]["generation"], author.http("/ready")["schema"]
    ended = author.deploy_telling("division by zero", revision(author, "ab01", 'op.execute("SELECT 1/0")'))
    assert ended.code == 3, ended
    assert "MIGRATION_FAILED" in ended.out
    assert author.deployment()["metadata"]["generation"] == generation
    assert author.http("/ready")["schema"] == schema
    assert author.history()[-1]["outcome"] == "not_released"
    (author.project / "alembic" / "versions" / "ab01.py").unlink()


def has_lost_logs(ended: Ended) -> bool:
    """See Stage.deploy_telling: here once more would take another minute."""
    kept = Path(re.findall(r"evidence: (.+)", ended.out)[-1])
    return not any(path.read_text().strip() for path in kept.glob("*.log"))


@pytest.mark.drill
def test_one_that_waits_for_a_lock_makes_no_request_wait_longer(author: Stage) -> None:
    generation = author.deployment()["metadata"]["generation"]
    name = table(author)
    image = revision(author, "ac01", 'op.add_column("product", sa.Column("size", sa.Text(), nullable=True))')
    load = author.load(rate=20, threads=2)
    holding = threading.Thread(
        target=lambda: author.sql(f"begin; lock {name} in access share mode; select pg_sleep(60); commit")
    )
    holding.start()
    until(
        lambda: (
            author.sql(
                "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()"
            )
            != "0"
        ),
        120,
        "the lock held",
    )
    slowest, stop = [0.0], threading.Event()
    asking = threading.Thread(target=_ask, args=(load, slowest, stop))
    asking.start()
    ended = author.deploy(image)
    stop.set()
    asking.join()
    print(f"slowest request {slowest[0]:.1f} s, deploy {ended.seconds:.1f} s")
    holding.join()
    assert ended.code == 3, ended
    assert "stayed locked" in ended.out or has_lost_logs(ended), ended
    assert author.deployment()["metadata"]["generation"] == generation
    assert slowest[0] < 4.5
    assert author.deploy(image).code == 0  # the control: without the lock it runs


@pytest.mark.drill
def test_two_heads_are_refused_and_their_merge_is_deployed_once(author: Stage) -> None:
    for name in ("ba01", "ba02"):
        write(author, name, f'op.create_table("{name}", sa.Column("id", sa.Integer(), primary_key=True))')
    before = author.versions()
    refused = author.task("deploy", "--yes")  # of the checkout itself
    assert refused.code == 6, refused
    assert "SEVERAL_HEADS" in refused.out
    assert all(word in refused.out for word in ("ba01", "ba02", "migrate.merge"))
    assert author.versions() == before

    known = set((author.project / "alembic" / "versions").glob("*.py"))
    run(str(author.project / ".venv" / "bin" / "python"), "tasks.py", "migrate.merge", cwd=author.project)
    (merge,) = set((author.project / "alembic" / "versions").glob("*.py")) - known
    image = image_at(author, merge.name.split("_")[1])
    first = author.deploy(image)
    assert first.code == 0, first
    assert author.http("/ready")["schema"] == image
    assert author.sql("select count(*) from ba01") == author.sql("select count(*) from ba02") == "0"
    after = author.versions()
    second = author.deploy(image)
    assert second.code == 0, second
    assert author.versions() == after


@pytest.mark.drill
def test_no_way_back_over_a_destructive_one(author: Stage) -> None:
    script = 'if [ "$1" = migrate ]; then exec alembic upgrade head; fi; echo broken; exit 3'
    crash = f"ENTRYPOINT {json.dumps(['/bin/sh', '-c', script, 'x'])}"
    image = revision(author, "ad01", DROPS, on_top=crash)
    refused = author.deploy(image)
    assert refused.code == 6, refused
    assert "DESTRUCTIVE" in refused.out
    assert "drops a column" in refused.out
    assert author.sql("select version_num from alembic_version") != "ad01"
    ended = author.deploy(image, "--allow-destructive")
    assert ended.code == 4, ended
    assert "FORWARD_FIX" in ended.out
    assert author.image_of_deployment() == author.images[image]  # not put back
    assert author.history()[-1]["outcome"] == "failed"


def _ask(load: Load, slowest: list[float], stop: threading.Event) -> None:
    with load:
        stop.wait()
    slowest[0] = load.slowest
