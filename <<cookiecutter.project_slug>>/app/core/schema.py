"""Which revision of the schema this code needs, read from alembic/versions without loading Alembic (0.3 s)."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from app.core.config import ROOT

VERSIONS = ROOT / "alembic" / "versions"
_REVISION = re.compile(r"^revision\b[^=\n]*=\s*[\"']([^\"']+)[\"']", re.MULTILINE)
_DOWN = re.compile(r"^down_revision\b[^=\n]*=\s*([^\n]+)", re.MULTILINE)
_QUOTED = re.compile(r"[\"']([^\"']+)[\"']")


def parents(directory: Path = VERSIONS) -> dict[str, list[str]]:
    """Each revision with those that it builds on."""
    found: dict[str, list[str]] = {}
    for path in sorted(directory.glob("*.py")):
        text = path.read_text("utf-8")
        revision, down = _REVISION.search(text), _DOWN.search(text)
        if revision:
            found[revision[1]] = _QUOTED.findall(down[1]) if down else []
    return found


@lru_cache(maxsize=8)
def older_than(minimum: str | None, directory: Path = VERSIONS) -> frozenset[str] | None:
    """The revisions that are below `minimum` (by default below the newest); None when there are no revisions at all."""
    known = parents(directory)
    if not known:
        return None
    if minimum is None:
        # All that another revision builds on.
        return frozenset(parent for below in known.values() for parent in below)
    older: set[str] = set()
    todo = list(known.get(minimum, []))
    while todo:
        revision = todo.pop()
        if revision not in older:
            older.add(revision)
            todo += known.get(revision, [])
    return frozenset(older)


def is_recent_enough(head: str | None, minimum: str | None = None, directory: Path = VERSIONS) -> bool:
    """Whether a database at `head` serves this code.

    A revision that is not known here comes from a newer deployment, which migrates before it replaces this one: fine.
    """
    older = older_than(minimum, directory)
    if older is None:
        return True
    return head is not None and head not in older
