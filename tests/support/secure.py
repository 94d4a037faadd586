"""An installed PostgreSQL that accepts connections by TLS alone (the embedded one is built without)."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.certificates import Signed
from tests.support.running import PATIENCE, free_port
from toolkit.dev.postgres import files

PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), default=None)
# By TLS, with a password or with a certificate whose subject is the user's name; without TLS, nobody.
RULES = "hostssl all certified 127.0.0.1/32 cert\nhostssl all all 127.0.0.1/32 scram-sha-256\nlocal all all trust\n"


@dataclass(frozen=True)
class Server:
    """`address` is host:port; `socket` the URL of an administrator, past TLS."""

    address: str
    socket: str


@contextmanager
def secure_server(server: Signed, authority: Path) -> Iterator[Server]:
    """The server with its certificate; `authority` signs those of clients. As root it runs as nobody."""
    assert PROGRAMS, "the caller skips where there is no PostgreSQL"
    home = Path(tempfile.mkdtemp(prefix="postgres-tls-", dir=files.temporary()))
    home.chmod(0o755)
    try:
        files.initialise(PROGRAMS.parent, home / "data", OPTIONS)
        port, owner = free_port(), files.account()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(home / "data"),
            "fsync": "off",
            "ssl": "on",
            "ssl_cert_file": str(_lent(server.certificate, home / "data", 0o644)),
            "ssl_key_file": str(_lent(server.key, home / "data", 0o600)),
            "ssl_ca_file": str(_lent(authority, home / "data", 0o644)),
            "hba_file": str(_rules(home / "data")),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                [str(PROGRAMS), "-D", str(home / "data"), *options], stdout=log, stderr=log, cwd="/", **owner
            )
        try:
            _wait(process, home / "data" / "postmaster.pid", home / "log")
            yield Server(f"127.0.0.1:{port}", f"postgresql://postgres@/postgres?host={home / 'data'}&port={port}")
        finally:
            process.terminate()
            process.wait()
    finally:
        shutil.rmtree(home)


# Of any version: the embedded one's locale came with PostgreSQL 17.
OPTIONS = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")


def _lent(file: Path, folder: Path, mode: int) -> Path:
    copy = Path(shutil.copy(file, folder))
    copy.chmod(mode)
    owner = files.account()
    if owner["user"] is not None and owner["group"] is not None:
        os.chown(copy, owner["user"], owner["group"])
    return copy


def _rules(folder: Path) -> Path:
    (folder / "rules").write_text(RULES)
    return folder / "rules"


def _wait(process: "subprocess.Popen[bytes]", status: Path, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not (status.is_file() and status.read_text().rstrip().endswith("ready")):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, f"not up within {PATIENCE} s: {log.read_text()}"
        time.sleep(0.02)
