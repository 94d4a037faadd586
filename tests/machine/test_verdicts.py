"""Releases that fail on a machine: each has its code and cause, and the one before serves all the time."""

import re
from pathlib import Path

import pytest

from tests.support.machines import IDLE, MachineStage

pytestmark = pytest.mark.drill(minutes=4)


@pytest.mark.parametrize(
    ("image", "keys", "expected"),
    [
        ("crash", (), ("CRASH_LOOP", "exit code 17", "cannot open the flux capacitor")),
        ("greedy", (), ("OUT_OF_MEMORY", "resources.memory_limit")),
        ("unready", ("rollout_seconds=8",), ("NOT_READY",)),
        ("deaf", ("rollout_seconds=8",), ("NOT_READY", "no response", "up but deaf")),
    ],
)
def test_failing_release_is_put_back(
    running: MachineStage, image: str, keys: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    with running.load(rate=40, threads=2) as load:
        ended = running.deploy(image, *(part for key in keys for part in ("-e", key)))
    assert ended.code == 3, ended
    for text in expected:
        assert text in ended.out, ended
    assert running.served() == running.images["v1"]
    assert not load.failures
    assert running.containers() == {"blue-1": "running", "proxy": "running"}
    assert running.history()[-1]["outcome"] == "rolled_back"


def test_the_page_shows_the_instances(running: MachineStage, tmp_path: Path) -> None:
    page = tmp_path / "deploy.html"
    for image, code, states in (("crash", 3, "failed"), ("v2", 0, r"starting [\d.]+, ready")):
        ended = running.deploy(image, "--page", str(page))
        assert ended.code == code, ended
        assert re.search(rf">{running.name}-green-1 on [\d.]+</td>.*{states} \d", page.read_text()), page.read_text()
    assert re.search(rf">{running.name}-blue-1 on [\d.]+</td>.*ending [\d.]+, ended \d", page.read_text())
    assert running.deploy("v1").code == 0


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("image=sha256:" + "0" * 64,), "IMG_NOT_FOUND"),
        (("settings.JWT_ISSUER=''",), "SETTINGS_REFUSED"),
        (("hosts=[deploy@10.251.1.77]",), "HOST_UNREACHABLE"),
        (("project=UPPER",), "INVENTORY_INVALID"),
    ],
)
def test_refused_before_anything_changes(running: MachineStage, keys: tuple[str, ...], expected: str) -> None:
    before = running.containers(), running.history()
    image = None if any(key.startswith("image=") for key in keys) else "v2"
    ended = running.task("deploy", "--yes", *(part for key in keys for part in ("-e", key)), image=image)
    assert ended.code == 6, ended
    assert expected in ended.out
    assert (running.containers(), running.history()) == before


def test_wrong_password_fails_in_the_migration(running: MachineStage) -> None:
    """The release is untouched: the old instances keep their own secrets. Exit 3, because a file was written."""
    ended = running.task("deploy", "--yes", image="v2", DATABASE_URL=running.database.replace("s3cret", "wrong"))
    assert ended.code == 3, ended
    assert "password authentication failed" in ended.out
    assert "next:" in ended.out
    assert running.served() == running.images["v1"]


def test_taken_port_is_named(actor: MachineStage) -> None:
    with actor.fresh() as stage:
        taken = f"docker run -d --name {stage.name}-other --label deploy.project={stage.name} -p {stage.port}:80 {IDLE}"
        stage.hosts[0].run(taken)
        looked = stage.task("doctor")
        assert looked.code == 6, looked
        assert f"port {stage.port} by {stage.name}-other" in looked.out
        ended = stage.deploy("v1")
        assert ended.code == 4, ended  # a first release: nothing to go back to
        assert "PORT_TAKEN" in ended.out
        stage.hosts[0].run(f"docker rm -f {stage.name}-other")
        assert stage.deploy("v1").code == 0
        assert stage.served() == stage.images["v1"]
