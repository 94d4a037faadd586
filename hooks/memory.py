"""The generator's cache, in the user's cache folder."""

import os
from pathlib import Path


def folder() -> Path:
    """Return the generator's folder below $XDG_CACHE_HOME (or ~/.cache); it can be deleted at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "microservice-scaffolder"
