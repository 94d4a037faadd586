"""Releases that fail on Cloud Run: each has its code and cause, and the one before serves all the time."""

from pathlib import Path

import pytest

from tests.support.cloudrun import SOON, CloudRunStage
from tests.support.revised_images import checkout, revision

pytestmark = pytest.mark.drill(minutes=1)


@pytest.mark.parametrize(
    ("image", "line", "expected"),
    [
        ("crash", "cannot open the flux capacitor", ("CRASH_LOOP", "exit code 17")),
        ("greedy", "resources.memory_limit", ("OUT_OF_MEMORY",)),
        ("unready", "NOT_READY", ()),
        ("deaf", "up but deaf", ("NOT_READY",)),
    ],
)
def test_failing_release_is_put_back(running: CloudRunStage, image: str, line: str, expected: tuple[str, ...]) -> None:
    with running.load(rate=40, threads=4) as load:
        ended = running.deploy_telling(line, image, "-e", SOON)
    assert ended.code == 3, ended
    for text in expected:
        assert text in ended.out, ended
    assert running.traffic() == {running.images["v1"]: 100}
    assert not load.failures, f"{load.failures} of {load.sent}"
    assert running.history()[-1]["outcome"] == "rolled_back"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("image=sha256:" + "0" * 64,), "IMG_NOT_FOUND"),
        (("secret={store: google, keys: {DATABASE_URL: nothing}}",), "SECRET_NOT_FOUND"),
        (("settings.JWT_ISSUER=''",), "SETTINGS_REFUSED"),
        (("service=UPPER",), "INVENTORY_INVALID"),
        (("secret={from_env: [DATABASE_URL]}",), "Google Secret Manager"),
    ],
)
def test_refused_before_anything_changes(running: CloudRunStage, keys: tuple[str, ...], expected: str) -> None:
    before = running.versions(), running.history()
    image = None if any(key.startswith("image=") for key in keys) else "v2"
    ended = running.task("deploy", "--yes", *(part for key in keys for part in ("-e", key)), image=image)
    assert ended.code == 6, ended
    assert expected in ended.out
    assert (running.versions(), running.history()) == before


def test_failing_migration_leaves_the_release(running: CloudRunStage, tmp_path: Path) -> None:
    before, schema = running.traffic(), running.sql("select version_num from alembic_version")
    author = checkout(running, tmp_path)
    image = revision(author, "ab01", 'op.execute("SELECT 1/0")')
    with running.load(rate=30, threads=2) as load:
        ended = author.deploy_telling("division by zero", image)
    assert ended.code == 3, ended
    assert "MIGRATION_FAILED" in ended.out
    assert "exit code 1" in ended.out
    assert running.traffic() == before
    assert running.sql("select version_num from alembic_version") == schema
    assert running.history()[-1]["outcome"] == "not_released"
    assert not load.failures, f"{load.failures} of {load.sent}"
    assert "changed=0" in running.deploy("v1").out


def test_wrong_password_fails_in_the_migration(running: CloudRunStage) -> None:
    """A new version of the secret: the running revision keeps the old one."""
    added = running.task("secrets.set", "DATABASE_URL", stdin="postgresql://postgres:wrong@sql:5432/shop")
    assert added.code == 0, added
    try:
        ended = running.deploy_telling("password authentication failed", "v2")
        assert ended.code == 3, ended
        assert "wrong" not in ended.out.replace("wrong password", "")
        assert running.traffic() == {running.images["v1"]: 100}
    finally:
        running.kubectl("patch", "secret", "database", "--type=json", "-p", '[{"op": "remove", "path": "/data/2"}]')
    assert "changed=0" in running.deploy("v1").out


def test_failed_release_can_be_deployed_again(actor: CloudRunStage) -> None:
    """The revision of the first attempt keeps its verdict; another one is made."""
    with actor.fresh() as stage:
        stage.more = ("annotations.serving.knative.dev/progress-deadline=5s",)
        first = stage.deploy("deaf")
        assert first.code == 4, first  # nothing to go back to
        second = stage.deploy("deaf")
        assert second.code == 4, second
        names = stage.kubectl("get", "revisions.serving.knative.dev", "-o", "name").split()
        assert len(names) == 2
        stage.more = ()
        assert stage.deploy("v1").code == 0
        assert stage.served() == stage.images["v1"]
