"""Git in a checkout."""

from __future__ import annotations

from pathlib import Path

from toolkit.deploy import process
from toolkit.deploy.outcomes import Failed

SECONDS = 30


def output(project: Path, *arguments: str) -> str | None:
    """Return git's output, times in UTC; None if it fails or is missing."""
    try:
        done = process.run(["git", *arguments], cwd=project, env={"TZ": "UTC"}, seconds=SECONDS)
    except Failed:
        return None
    return done.out.rstrip() if done.code == 0 else None
