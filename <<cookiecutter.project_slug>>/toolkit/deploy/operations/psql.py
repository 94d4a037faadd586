"""The psql command for a tunnel. The password is in a private file, which psql reads, and never in an argument."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from toolkit.deploy.places.values import Tunnel

# Files of the database's CA and client certificates are in the service's container, not here.
FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile")


@contextmanager
def credentials(tunnel: Tunnel) -> Iterator[str]:
    """Yield the command for this tunnel; its password file exists as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="connect-") as folder:  # 0700
        path = Path(folder, "pgpass")
        path.touch(mode=0o600)
        path.write_text(passfile(tunnel.url), encoding="utf-8")
        yield command(tunnel.url, tunnel.port, path)


def passfile(url: str) -> str:
    """Return the content of a password file for any host, as PostgreSQL's documentation has it (libpq-pgpass). Pure."""
    password = unquote(urlsplit(url).password or dict(parse_qsl(urlsplit(url).query)).get("password", ""))
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    return f"*:*:*:*:{escaped}\n"


def command(url: str, port: int, path: Path) -> str:
    """Return the shell command: `hostaddr` is the tunnel, `host` the name that the server's certificate has. Pure."""
    parts = urlsplit(url)
    hosts = parts.netloc.rpartition("@")[2].split(",")[0]
    host = hosts.rpartition(":")[0] if hosts.rpartition(":")[2].isdigit() else hosts
    given = {key: value for key, value in parse_qsl(parts.query) if key not in (*FILES, "password")}
    if given.get("sslmode") in ("verify-ca", "verify-full") and "sslrootcert" in dict(parse_qsl(parts.query)):
        given["sslmode"] = "require"  # encrypted, but the CA's file is not on this machine
    values = {
        "host": host.strip("[]"),
        "hostaddr": "127.0.0.1",
        "port": str(port),
        "user": unquote(parts.username or ""),
    }
    values |= {"dbname": unquote(parts.path.lstrip("/")), **given}
    words = " ".join(f"{key}={_quoted(value)}" for key, value in values.items() if value)
    return f"PGPASSFILE={shlex.quote(str(path))} psql {shlex.quote(words)}"


def _quoted(value: str) -> str:
    """Return a value of a connection string (libpq-connect, keyword/value)."""
    if value and not any(letter in value for letter in " '\\"):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
