"""Labels with the image's origin. Not part of its content, so not part of its key."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from toolkit.deploy import git, migrations

UNKNOWN = "unknown"


def arguments(project: Path) -> dict[str, str]:
    """Return the build arguments for labels. Raises Failed SEVERAL_HEADS: such an image could not be migrated."""
    return {
        "REVISION": revision(project),
        "SCHEMA_HEAD": migrations.head(project) or UNKNOWN,
        "SOURCE": web_address(git.output(project, "remote", "get-url", "origin") or "") or UNKNOWN,
        "VERSION": tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["version"],
    }


def revision(project: Path) -> str:
    """Return the commit, with `-dirty` if the build contains uncommitted changes."""
    return git.output(project, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*") or UNKNOWN


def web_address(remote: str) -> str:
    """Return a git remote as a URL for a browser, without secrets. Pure."""
    patterns = (
        r"^[\w.-]+@([\w.-]+):(.+?)(?:\.git)?/?$",
        r"^(?:https?|ssh|git)://(?:[^@/]*@)?([^/:]+)(?::\d+)?/(.+?)(?:\.git)?/?$",
    )
    found = next((match for pattern in patterns if (match := re.match(pattern, remote))), None)
    return f"https://{found[1]}/{found[2]}" if found else ""
