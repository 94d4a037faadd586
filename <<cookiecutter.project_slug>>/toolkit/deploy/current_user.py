"""The current user and host, as shown in the lock and the history."""

from __future__ import annotations

import getpass
import os
import socket


def whoami() -> str:
    """Return `user@host`; in a container, where a user may have no name, the user's number."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # the latter since Python 3.13
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
