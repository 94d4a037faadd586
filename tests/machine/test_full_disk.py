"""A host without space: a real, small file system where the project has its files."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.accessories import AccessoryStage
from tests.support.machines import IDLE, MachineStage
from tests.support.running import PATIENCE
from tests.support.stage import until

pytestmark = pytest.mark.drill(minutes=3)

# The account of deploys may not mount; a container with the host's name spaces may.
MAY = "--cap-add SYS_ADMIN --cap-add SYS_PTRACE --cap-add SYS_CHROOT --security-opt seccomp=unconfined"
MOUNT = f"docker run --rm --pid=host {MAY} {IDLE.split()[0]} nsenter -t 1 -m --"


@contextmanager
def small_disk(stage: MachineStage, megabytes: int = 80) -> Iterator[str]:
    host, folder = stage.hosts[0], f"/var/lib/deploy/{stage.name}"
    host.run(
        f"mkdir -p {folder} && {MOUNT} mount -t tmpfs -o size={megabytes}m,uid=$(id -u),gid=$(id -g),mode=755 "
        f"deploy-test {folder}"
    )
    try:
        assert f"{megabytes}M" in host.run(f"df -h {folder}")
        yield folder
    finally:
        host.run(f"{MOUNT} umount -l {folder}")


def fill(stage: MachineStage, folder: str) -> None:
    assert "No space left" in stage.hosts[0].run(f"dd if=/dev/zero of={folder}/ballast bs=64k 2>&1; true")


def test_a_full_disk_is_found_before_anything_changes(actor: MachineStage, tmp_path: Path) -> None:
    with actor.fresh() as stage, small_disk(stage) as folder:
        for image in ("v1", "v2"):
            ended = stage.deploy(image)
            assert ended.code == 0, ended
        fill(stage, folder)
        before = stage.containers()
        refused = stage.deploy("v3")
        assert refused.code == 6, refused
        assert "DISK_FULL" in refused.out
        assert f"0 MB free in {folder}" in refused.out
        assert stage.containers() == before

        # The control, without the check: the release serves, and its record is missing.
        careless = replace(stage, project=_careless(stage, tmp_path))
        unrecorded = careless.deploy("v3")
        assert unrecorded.code == 7, unrecorded
        assert "DISK_FULL" in unrecorded.out
        assert stage.served() == stage.images["v3"]

        # A rollback needs no space for the release itself.
        back = stage.task("rollback", "--to", "2")
        assert back.code == 7, back
        assert stage.served() == stage.images["v2"]
        stage.hosts[0].run(f"rm {folder}/ballast")
        assert "changed=0" in stage.deploy("v2").out


def test_a_disk_that_fills_during_a_deploy(actor: MachineStage) -> None:
    """The release serves, and its record cannot be written."""
    with actor.fresh() as stage, small_disk(stage) as folder:
        assert stage.deploy("v1").code == 0
        with stage.load(rate=30, threads=2) as load, stage.deploying("v2", "-e", "hold_seconds=15") as child:
            assert child.stdout
            for line in child.stdout:
                if " release " in line:
                    break
            fill(stage, folder)
            out, _ = child.communicate(timeout=PATIENCE)
        assert child.returncode == 7, out
        assert "DISK_FULL" in out
        assert "the release is serving" in out
        assert not load.failures
        stage.hosts[0].run(f"rm {folder}/ballast")
        ended = stage.deploy("v2")
        assert ended.code == 0, ended
        assert stage.history()[-1]["digest"] == stage.images["v2"]


def test_a_backup_without_space_is_refused_and_leaves_nothing(actor: MachineStage) -> None:
    made = AccessoryStage("", actor.project, actor.images, actor.environment)
    with made.fresh() as stage, small_disk(stage) as folder:
        assert stage.deploy("v1").code == 0
        assert stage.task("backup").code == 0
        fill(stage, folder)
        ended = stage.task("backup")
        assert ended.code != 0, ended
        assert "DISK_FULL" in ended.out
        stage.hosts[0].run(f"rm {folder}/ballast")
        until(lambda: "new" not in stage.hosts[0].run(f"ls {folder}/backups"), PATIENCE, "the removal of its file")
        assert stage.hosts[0].run(f"ls {folder}/backups").split() == ["000001.dump", "000001.json", "lock"]
        restored = stage.task("restore", "1", "--yes", "staging")
        assert restored.code == 0, restored


def _careless(stage: MachineStage, folder: Path) -> Path:
    copied = stage.copy(folder).project
    path = copied / "toolkit" / "deploy" / "places" / "machine" / "prerequisites.py"
    before = path.read_text()
    path.write_text(before.replace("FREE_MEGABYTES = 50", "FREE_MEGABYTES = 0"))
    assert path.read_text() != before
    return copied
