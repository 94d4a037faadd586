"""Compiled files of the dependencies, shared between generated services.

Compiling SQLAlchemy, Alembic, FastAPI and their dependencies takes two seconds, more than all other steps together. uv
installs identical files, times included, so Python accepts compiled files of another environment with the same lock
file; otherwise it compiles as usual.
"""

import hashlib
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from hooks import locks, memory

KEPT = 3  # answers that lock differently (auth) take turns


def bring(project: Path) -> None:
    """Link compiled files of an earlier service with the same lock file into `.venv`."""
    kept, packages = _kept(project), _packages(project)
    if packages and kept.is_dir():
        with suppress(OSError):  # another bake may be deleting these files
            _link(kept, packages)


def keep(project: Path) -> None:
    """Store the compiled files of `.venv` for the next service with the same lock file, and delete older ones."""
    kept, packages = _kept(project), _packages(project)
    if not packages or kept.is_dir():
        return
    partial = kept.with_name(f"{kept.name}.{os.getpid()}")
    with suppress(OSError):
        newest_first = sorted(kept.parent.glob("compiled-*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
        for old in newest_first[KEPT - 1 :]:
            shutil.rmtree(old, ignore_errors=True)
        _link(packages, partial)
        partial.rename(kept)
    shutil.rmtree(partial, ignore_errors=True)


def _kept(project: Path) -> Path:
    content = locks.nameless(project) if (project / "uv.lock").is_file() else ""
    key = hashlib.sha256(content.encode()).hexdigest()[:16]
    return memory.folder() / f"compiled-{sys.implementation.cache_tag}-{key}"


def _packages(project: Path) -> Path | None:
    return next(iter((project / ".venv" / "lib").glob("python*/site-packages")), None)


def _link(source: Path, target: Path) -> None:
    for folder, _, names in os.walk(source):
        if not folder.endswith("__pycache__") or not names:
            continue
        beside = target / Path(folder).relative_to(source)
        beside.mkdir(parents=True, exist_ok=True)
        for name in names:
            _one(Path(folder, name), beside / name)


def _one(source: Path, target: Path) -> None:
    with suppress(FileExistsError):
        try:
            os.link(source, target)
        except FileExistsError:
            raise
        except OSError:  # another file system
            shutil.copy2(source, target)
