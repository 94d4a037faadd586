"""Folder of an SSH connection's sockets. One that a killed deployer left is removed by the user's next deploy."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from contextlib import suppress
from pathlib import Path

PREFIX = "deploy-ssh-"
CONTROL = "control"
# Longer than a connection takes to open its socket.
OLD_SECONDS = 120


def make() -> tempfile.TemporaryDirectory[str]:
    """Return a new folder. Its path is short: that of a socket has 108 characters at most."""
    remove_abandoned()
    return tempfile.TemporaryDirectory(prefix=PREFIX)


def remove_abandoned() -> None:
    """Remove folders of this user whose connection has ended: a process that lives listens on its socket."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # removed by another deployer
            state = folder.lstat()
            mine = state.st_uid == os.getuid() and folder.is_dir() and not folder.is_symlink()
            if mine and time.time() - state.st_mtime > OLD_SECONDS and not _listens(folder / CONTROL):
                shutil.rmtree(folder, ignore_errors=True)


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True  # busy
    return True
