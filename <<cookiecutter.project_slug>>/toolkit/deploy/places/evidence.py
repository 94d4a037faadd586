"""The folder for the evidence of a failure, which is stored on disk before any rollback."""

from __future__ import annotations

import time
from pathlib import Path


def folder(project: Path, environment: str) -> Path:
    """Make the folder of a deploy, below `.dev/` of the checkout."""
    made = project / ".dev" / "deploy" / f"{environment}-{time.strftime('%Y%m%d-%H%M%S')}"
    made.mkdir(parents=True, exist_ok=True)
    return made
