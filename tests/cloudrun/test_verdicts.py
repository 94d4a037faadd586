"""Releases that fail on Cloud Run: each has its code and cause, and the one before serves all the time."""

import pytest

from tests.support.cloudrun import SOON, CloudRunStage

pytestmark = pytest.mark.drill(minutes=4)


@pytest.mark.parametrize(
    ("image", "keys", "expected"),
    [
        ("crash", (SOON,), ("CRASH_LOOP", "exit code 17", "cannot open the flux capacitor")),
        ("greedy", (SOON,), ("OUT_OF_MEMORY", "resources.memory_limit")),
        ("unready", (SOON,), ("NOT_READY",)),
        ("deaf", (SOON,), ("NOT_READY", "up but deaf")),
    ],
)
def test_failing_release_is_put_back(
    running: CloudRunStage, image: str, keys: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    with running.load(rate=40, threads=4) as load:
        ended = running.deploy(image, *(part for key in keys for part in ("-e", key)))
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


def test_wrong_password_fails_in_the_migration(running: CloudRunStage) -> None:
    """A new version of the secret: the running revision keeps the old one."""
    added = running.task("secrets.set", "DATABASE_URL", stdin="postgresql://postgres:wrong@sql:5432/shop")
    assert added.code == 0, added
    try:
        ended = running.deploy("v2")
        assert ended.code in (3, 6), ended
        assert "password authentication failed" in ended.out
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
