"""Start a task file inside the project's own virtual environment, and create that environment if it is missing.

Standard library only, and parsable by old Pythons: this runs before anything is installed. Nothing is ever
installed into the Python that started it (PEP 668).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.dev import loopback, subprocesses

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OLDEST = (3, 11)
UV_VARIABLES_OF_OTHERS = ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_PROJECT", "UV_WORKING_DIRECTORY")


def enter(project: Path, also: Sequence[Path] = ()) -> None:
    """Return at once inside `project/.venv`; otherwise prepare it and restart this program in it.

    `also` lists more folders whose `pyproject.toml` adds requirements (for a tree without a lock file).
    Raises SystemExit with the next step when the environment cannot be created.
    """
    venv = project / ".venv"
    inside = Path(sys.prefix).resolve() == venv.resolve()
    misread = help_is_misread(sys.argv)
    subprocesses.exit_on_signals()
    loopback.bypass_proxy(os.environ)
    if not is_fresh(project, also):
        prepare(project, also)
    if inside and not misread:
        return
    path = f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environment = {**os.environ, "VIRTUAL_ENV": str(venv), "PATH": path}
    sys.stdout.flush()
    arguments = [str(python_of(project)), str(project / "tasks.py"), *help_first(sys.argv[1:])]
    os.execve(arguments[0], arguments, environment)  # noqa: S606  # our own program, no shell


def help_is_misread(argv: Sequence[str]) -> bool:
    """Move `--help` first: invoke reads `deploy --help` as the environment `--help`."""
    return list(argv[1:]) != help_first(argv[1:])


def help_first(arguments: Sequence[str]) -> list[str]:
    """Return `TASK ... --help` as `--help TASK`; anything else unchanged."""
    if len(arguments) > 1 and not arguments[0].startswith("-") and {"--help", "-h"} & set(arguments[1:]):
        return ["--help", arguments[0]]
    return list(arguments)


def python_of(project: Path) -> Path:
    return project / ".venv" / "bin" / "python"


def find_uv(project: Path) -> str | None:
    """Return the uv next to this Python (a dependency of the template), on PATH, or in the environment itself."""
    for path in (Path(sys.executable).parent / "uv", shutil.which("uv"), project / ".venv" / "bin" / "uv"):
        if path and os.access(path, os.X_OK):
            return str(path)
    return None


def uv_environment() -> dict[str, str]:
    """Return the environment for a call of uv that affects only this project and never downloads a Python."""
    kept = {name: value for name, value in os.environ.items() if name not in UV_VARIABLES_OF_OTHERS}
    return {**kept, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}


def index_hint() -> str:
    """Return a hint on settings for an index other than PyPI: uv does not read pip's settings."""
    if any(os.environ.get(name) for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL")):
        return " (UV_DEFAULT_INDEX names it)"
    if os.environ.get("PIP_INDEX_URL"):
        return '; uv does not read PIP_INDEX_URL: export UV_DEFAULT_INDEX="$PIP_INDEX_URL"'
    return " (UV_DEFAULT_INDEX names another one)"


def is_fresh(project: Path, also: Sequence[Path] = ()) -> bool:
    """Return True if `.venv` was created from exactly these requirements (a few milliseconds)."""
    stamp = project / ".venv" / ".made-from"
    return stamp.is_file() and python_of(project).exists() and stamp.read_text() == fingerprint(project, also)


def fingerprint(project: Path, also: Sequence[Path] = ()) -> str:
    digest = hashlib.sha256(str(project).encode())
    for path in (*(folder / "pyproject.toml" for folder in (project, *also)), project / "uv.lock"):
        digest.update(path.read_bytes() if path.is_file() else b"-")
    return digest.hexdigest()


def prepare(project: Path, also: Sequence[Path] = (), *, quiet: bool = False) -> bool:
    """Update `.venv` to the requirements; True if it was out of date. One process at a time."""
    if sys.version_info < OLDEST:
        raise SystemExit(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is required; this is {sys.version.split()[0]}.")
    (project / ".dev").mkdir(exist_ok=True)
    with (project / ".dev" / "bootstrap.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_fresh(project, also):
            return False
        if not quiet:
            print("Creating the environment in .venv", file=sys.stderr, flush=True)
        _install(project, also)
        (project / ".venv" / ".made-from").write_text(fingerprint(project, also))
    return True


def _install(project: Path, also: Sequence[Path]) -> None:
    uv = provide_uv(project)
    if not python_of(project).exists():
        _make_venv(project, uv)
    if uv and not also:
        # --inexact: packages that a developer, or pip before uv, has installed into the environment stay.
        command = [uv, "sync", "--quiet", "--inexact", "--python", str(python_of(project))]
    elif uv:
        command = [uv, "pip", "install", "--quiet", "--python", str(python_of(project)), *_requirements(project, also)]
    else:
        command = [str(python_of(project)), "-m", "pip", "install", "--quiet", *_requirements(project, also)]
    _run(command, project, "the dependencies could not be installed")


def _make_venv(project: Path, uv: str | None) -> None:
    if uv:
        command = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, ".venv"]
    else:
        command = [sys.executable, "-m", "venv", "--clear", ".venv"]
    _run(command, project, "the virtual environment could not be created (Debian: apt-get install python3-venv)")


def provide_uv(project: Path) -> str | None:
    """Return uv, installed by pip into `.venv` if missing: it installs the rest in a tenth of the time.

    None if pip finds no wheel for this machine. Raises SystemExit when no environment can be created.
    """
    uv = find_uv(project)
    if uv:
        return uv
    if not any((project / ".venv" / "lib").glob("python*/site-packages/pip")):  # missing or incomplete
        _make_venv(project, None)
    pip = [str(python_of(project)), "-m", "pip", "install", "--quiet", "--only-binary", "uv", "uv"]
    subprocess.run(pip, check=False, capture_output=True)
    return find_uv(project)


def _requirements(project: Path, also: Sequence[Path]) -> list[str]:
    return [requirement for folder in (project, *also) for requirement in _requirements_of(folder)]


def _requirements_of(folder: Path) -> Iterator[str]:
    import tomllib  # missing before 3.11, which prepare() must report first

    content = tomllib.loads((folder / "pyproject.toml").read_text())
    yield from content.get("project", {}).get("dependencies", ())
    yield from content.get("dependency-groups", {}).get("dev", ())


def _run(command: Sequence[str], project: Path, failure: str) -> None:
    done = subprocess.run(command, cwd=project, env=uv_environment(), check=False, capture_output=True, text=True)
    if done.returncode:
        last_lines = "\n".join(f"    {line}" for line in (done.stderr or done.stdout).strip().splitlines()[-12:])
        raise SystemExit(f"{failure}:\n{last_lines}\n  Correct this{index_hint()}, then run the command again.")
