"""What the image's labels say of where it comes from. No part of its content, so no part of its key."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

from toolkit.deploy import process
from toolkit.deploy.release import migrations

UNKNOWN = "unknown"


def arguments(project: Path) -> dict[str, str]:
    """The build arguments that become labels. Raises Failed SEVERAL_HEADS: no migration could serve such an image."""
    return {
        "REVISION": revision(project),
        "SCHEMA_HEAD": migrations.head(project) or UNKNOWN,
        "SOURCE": web_address(_git(project, "remote", "get-url", "origin")) or UNKNOWN,
        "VERSION": tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["version"],
    }


def revision(project: Path) -> str:
    """The commit, with `-dirty` when what is built is not what was committed."""
    return _git(project, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*") or UNKNOWN


def web_address(remote: str) -> str:
    """A git remote as a URL that a browser opens, without whatever secret it carries. Pure."""
    patterns = (
        r"^[\w.-]+@([\w.-]+):(.+?)(?:\.git)?/?$",
        r"^(?:https?|ssh|git)://(?:[^@/]*@)?([^/:]+)(?::\d+)?/(.+?)(?:\.git)?/?$",
    )
    found = next((match for pattern in patterns if (match := re.match(pattern, remote))), None)
    return f"https://{found[1]}/{found[2]}" if found else ""


def _git(project: Path, *command: str) -> str:
    if not shutil.which("git"):
        return ""
    done = process.run(["git", *command], cwd=project, seconds=30)
    return done.out.strip() if done.code == 0 else ""
