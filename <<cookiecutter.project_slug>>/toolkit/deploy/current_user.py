"""Who works here, as others are told: the holder of the lock, the author of a release."""

from __future__ import annotations

import getpass
import os
import socket


def whoami() -> str:
    """`user@host`; in a container, where a user may have no name, its number."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # the latter since Python 3.13
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
