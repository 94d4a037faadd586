"""Debian's PgBouncer in front of a PostgreSQL, in one of its modes."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.support.running import PATIENCE, free_port
from toolkit.dev.postgres import files

# In transaction mode fewer than the clients, which take turns on each; in session mode each client keeps one.
SERVER_CONNECTIONS = {"session": 40, "transaction": 4}
PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


@contextmanager
def pooled(server_url: str, folder: Path, mode: str, **settings: str) -> Iterator[str]:
    """The URL of the same database by way of a pooler. `mode` is PgBouncer's pool_mode; `server_url` names a socket."""
    assert PROGRAM, "the caller skips where there is no PgBouncer"
    address, port = urlsplit(server_url), free_port()
    socket = parse_qs(address.query)["host"][0]
    options = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_type": "any",
        "pool_mode": mode,
        "default_pool_size": str(SERVER_CONNECTIONS[mode]),
        "max_client_conn": "200",
        **settings,
    }
    database = address.path.removeprefix("/")
    lines = ["[databases]", f"{database} = host={socket} port=5432 dbname={database} user={address.username}"]
    lines += ["[pgbouncer]", *(f"{name} = {value}" for name, value in options.items())]
    configuration, log = folder / f"pgbouncer-{port}.ini", folder / f"pgbouncer-{port}.log"
    configuration.write_text("\n".join(lines) + "\n")
    # As the user of the server, whose socket it has to reach; the file is read before by us.
    configuration.chmod(0o644)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [PROGRAM, str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            **files.account(),
        )
    try:
        _wait(process, log)
        yield f"postgresql://{address.username}@127.0.0.1:{port}/{database}"
    finally:
        process.terminate()
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while "process up" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, f"not up within {PATIENCE} s: {log.read_text()}"
        time.sleep(0.02)
