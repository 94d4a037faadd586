"""One task at a time that reads lines, models and revisions, and writes what follows from them."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def alone(project: Path) -> Iterator[None]:
    """Wait for a task of another process that holds the lock: it is about to change what this one would read."""
    (project / ".dev").mkdir(exist_ok=True)
    with (project / ".dev" / "resources.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
