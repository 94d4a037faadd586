"""Folders that killed deployers leave behind."""

import os
import socket
import tempfile
import time
from pathlib import Path

import pytest

from toolkit.deploy.places.machine import control_folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def aged(folder: Path, name: str, *, age: float = 1000) -> Path:
    """Make a folder with a control socket on which nothing listens, changed `age` seconds ago."""
    made = folder / name
    made.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(made / control_folder.CONTROL))
    os.utime(made, (time.time() - age,) * 2)
    return made


def test_a_folder_without_its_connection_is_removed(folder: Path) -> None:
    left = aged(folder, f"{control_folder.PREFIX}left")
    made = control_folder.make()
    assert not left.exists()
    assert Path(made.name).is_dir()
    made.cleanup()


def test_a_folder_in_use_stays(folder: Path) -> None:
    used = folder / f"{control_folder.PREFIX}used"
    used.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as master:
        master.bind(str(used / control_folder.CONTROL))
        master.listen()
        os.utime(used, (0, 0))
        control_folder.remove_abandoned()
        assert used.exists()
    os.utime(used, (0, 0))
    control_folder.remove_abandoned()  # the control: its connection has ended
    assert not used.exists()


def test_new_folders_and_those_of_others_stay(folder: Path) -> None:
    opening = aged(folder, f"{control_folder.PREFIX}opening", age=5)
    other = aged(folder, "deploy-notes")
    target = folder / "target"
    target.mkdir()
    (folder / f"{control_folder.PREFIX}link").symlink_to(target)
    control_folder.remove_abandoned()
    assert opening.exists()
    assert other.exists()
    assert target.exists()
