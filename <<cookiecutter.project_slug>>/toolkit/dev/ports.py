"""TCP ports of this machine: check whether one is free, and find the next free one."""

import socket

NUMBERS = range(1, 65536)


def is_free(host: str, port: int) -> bool:
    """Return True if a server can listen on `port` of `host`, an address such as 127.0.0.1 or ::1."""
    with _unbound(host) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def next_free(host: str, first: int) -> int:
    """Return the lowest free port from `first` on, or one that the system chooses."""
    for port in range(first, NUMBERS.stop):
        if is_free(host, port):
            return port
    with _unbound(host) as probe:
        probe.bind((host, 0))
        chosen: int = probe.getsockname()[1]
        return chosen


def _unbound(host: str) -> socket.socket:
    probe = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return probe
