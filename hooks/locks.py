"""Cache of lock files: the same requirements up to the same day lock to the same packages.

A query of the package index takes a second, half of the time of a whole service. `uv sync` checks a cached lock file
like any other, and changed requirements or another tested day invalidate it.
"""

import hashlib
import os
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hooks import memory

if TYPE_CHECKING:
    from toolkit.dev.setup import Outcome

# The newest day of packages that the template's own pipeline has tested. Update it after such a run.
TESTED_UNTIL = "2026-11-20T00:00:00Z"


def lock(project: Path) -> "Outcome":
    """Write `uv.lock`: from the cache, or else by uv (and cached when it respected the day)."""
    from toolkit.dev import setup

    kept, name = _memory(project), _name(project)
    with suppress(OSError):
        if not (project / "uv.lock").exists():
            (project / "uv.lock").write_text(_renamed(kept.read_text(), "service", name))
            return setup.Outcome("changed", f"uv.lock, as of {TESTED_UNTIL[:10]}, from this machine's cache")
    outcome = setup.lock(project, TESTED_UNTIL)
    if TESTED_UNTIL[:10] in outcome.detail:
        with suppress(OSError):
            kept.parent.mkdir(parents=True, exist_ok=True)
            partial = kept.with_suffix(f".{os.getpid()}")
            partial.write_text(nameless(project))
            partial.replace(kept)
    return outcome


def nameless(project: Path) -> str:
    """Return the lock file with a common name: it contains the service's own, which is not a dependency."""
    return _renamed((project / "uv.lock").read_text(), _name(project), "service")


def _memory(project: Path) -> Path:
    content = tomllib.loads((project / "pyproject.toml").read_text())
    wanted = (TESTED_UNTIL, content["project"]["requires-python"], content["project"]["dependencies"])
    index = [os.environ.get(name, "") for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_FIND_LINKS")]
    key = hashlib.sha256(repr((wanted, content["dependency-groups"], index)).encode()).hexdigest()[:16]
    return memory.folder() / f"{key}.lock"


def _name(project: Path) -> str:
    return tomllib.loads((project / "pyproject.toml").read_text())["project"]["name"]


def _renamed(text: str, old: str, new: str) -> str:
    """Rename the project in a lock of the same requirements: its entry is the only one with `virtual`."""
    return text.replace(
        f'name = "{old}"\nversion = "0.1.0"\nsource = {{ virtual = "." }}',
        f'name = "{new}"\nversion = "0.1.0"\nsource = {{ virtual = "." }}',
    )
