"""The holder of a deploy lock: a process, told apart from a later one with the same number."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

from toolkit.deploy.current_user import whoami


def identity(run_url: str = "") -> str:
    """Return `user@host pid birth nonce run-url`: the birth distinguishes processes with the same pid."""
    pid, nonce = os.getpid(), secrets.token_hex(4)
    return f"{whoami()} {pid} {birth(pid)} {nonce} {run_url}".strip()


def birth(pid: int) -> str:
    """Return a process's start time in clock ticks since boot (proc(5), field 22); `-` if it does not exist."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "-"
    return "-" if fields[0] == "Z" else fields[19]


def is_gone(holder: str, host: str = "", born: Callable[[int], str] = birth) -> bool:
    """Return True if a holder was a process of this host that has ended. For other hosts only the lease time counts."""
    parts, host = holder.split(), host or socket.gethostname()
    if len(parts) < 3 or parts[0].rpartition("@")[2] != host or not parts[1].isdigit() or parts[2] == "-":
        return False
    return born(int(parts[1])) != parts[2]
