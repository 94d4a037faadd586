"""Requests to addresses of a host's networks, through its SSH connection."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from toolkit.dev.subprocesses import stop

if TYPE_CHECKING:
    from toolkit.deploy.places.machine.ssh import Connection

SECONDS = 10


@dataclass(frozen=True)
class Address:
    """`name`: of the Host header and, with `tls`, of the certificate."""

    ip: str
    port: int
    name: str = ""
    tls: bool = False


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    text: str = ""


def get(
    connection: Connection, to: Address, path: str, headers: Mapping[str, str] | None = None, seconds: float = SECONDS
) -> Answer | None:
    """Return the answer to GET, its body as JSON and as text; None without one."""
    tunnel, child = connection.dial(to.ip, to.port)
    try:
        tunnel.settimeout(seconds)
        # The name and the chain are checked by the smoke test at the public address; the tunnel ends at the host.
        stream = _unverified().wrap_socket(tunnel, server_hostname=to.name or None) if to.tls else tunnel
        with closing(http.client.HTTPConnection(to.name or to.ip)) as client:
            client.sock = stream
            client.request("GET", path, headers={**(headers or {}), "Connection": "close"})
            response = client.getresponse()
            said = response.read()
            given = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, given, _parsed(said), said.decode(errors="replace"))
    except (OSError, http.client.HTTPException):
        return None
    finally:
        tunnel.close()
        stop(child)


def _parsed(said: bytes) -> object:
    try:
        return json.loads(said)
    except ValueError:
        return None


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
