"""Check that the schema of a database is recent enough for this code, by the revisions in alembic/versions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from app.core.config import ConfigurationError
from app.db import revisions
from app.settings.base import ROOT

VERSIONS = ROOT / "alembic" / "versions"


class Undecided(ConfigurationError):
    """The revisions do not determine which schema this code needs."""

    def __init__(self, problem: str) -> None:
        Exception.__init__(self, f"The service cannot start: {problem}.")
        self.problems = [problem]


def require_one_head(directory: Path = VERSIONS) -> None:
    """Check the revisions. Raises Undecided for several heads or unreadable revisions, which no migration resolves."""
    try:
        _ = revisions.load(directory).head
    except revisions.RevisionError as error:
        raise Undecided(str(error)) from None


@lru_cache(maxsize=8)
def older_than(minimum: str | None, directory: Path = VERSIONS) -> frozenset[str] | None:
    """Return the revisions below `minimum` (by default below the head); None when there are no revisions at all.

    Raises RevisionError, also for several heads when no minimum is set: the required one is ambiguous.
    """
    found = revisions.load(directory)
    if not found.known:
        return None
    return found.ancestors([minimum if minimum is not None else found.head])


def is_recent_enough(schema: Sequence[str], minimum: str | None = None, directory: Path = VERSIONS) -> bool:
    """Return True if a database at `schema` (several revisions between a branch and its merge) is recent enough.

    An unknown revision comes from a newer deployment, which migrates before it replaces this one: accepted.
    Raises RevisionError.
    """
    older = older_than(minimum, directory)
    if older is None:
        return True
    return bool(schema) and older.isdisjoint(schema)
