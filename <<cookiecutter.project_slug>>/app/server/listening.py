"""Listening sockets for HOST and PORT, created before the server.

`::` is one socket for IPv6 and IPv4. asyncio and uvicorn would make it IPv6 only, and a probe of 127.0.0.1 would fail.
"""

from __future__ import annotations

import errno
import ipaddress
import socket

from app.core.config import ConfigurationError

BACKLOG = 2048  # uvicorn's own
_HERE = {
    errno.EAFNOSUPPORT: "this machine has no IPv6; use an IPv4 address, such as 0.0.0.0",
    errno.EADDRNOTAVAIL: "not an address of this machine; use one of its addresses, or 0.0.0.0 for all",
}


class PortInUse(Exception):
    """Another process already listens on this port."""


def listen(host: str, port: int, port_setting: str = "PORT") -> list[socket.socket]:
    """Return a listening socket for each address of `host`.

    Raises ConfigurationError for an address or port that is not available on this machine, and PortInUse.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ConfigurationError([f"HOST: {host!r} is not an address of this machine ({error})"]) from None
    sockets: list[socket.socket] = []
    try:
        for family, address in dict.fromkeys((family, address[:2]) for family, *_, address in found):
            sockets.append(_listen(family, str(address[0]), port))
    except OSError as error:
        for opened in sockets:
            opened.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"{port_setting}: {port} is in use on {host}; stop that process, or set another") from None
        if error.errno == errno.EACCES:
            reason = f"{port_setting}: {port} is a privileged port; use 1024 or higher"
        else:
            reason = f"HOST: cannot listen on {host}: {_HERE.get(error.errno or 0, error.strerror)}"
        raise ConfigurationError([reason]) from None
    return sockets


def _listen(family: int, address: str, port: int) -> socket.socket:
    both = family == socket.AF_INET6 and ipaddress.ip_address(address).is_unspecified
    return socket.create_server((address, port), family=family, backlog=BACKLOG, dualstack_ipv6=both)
