"""Messages for failed migrations, one line each: the fault, its revision and line, and the next step. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from app.db import revisions
from app.db.online import RowsBreakRule

# By SQLSTATE: what to do. The server's message precedes it.
_ADVICE = {
    "23502": (
        "Existing rows would have no value: give the field a default or make it optional (`?`) in "
        "service.toml, delete this revision and run resource.add again; or add the column as nullable, fill it, and "
        "make it NOT NULL in the same revision"
    ),
    "23503": "Rows refer to something that does not exist. Correct those rows, then migrate again",
    "23505": "Rows have the same value. Correct those rows, then migrate again",
    "23514": "Rows break the new rule. Correct those rows, then migrate again",
    "42501": "The user of DATABASE_URL lacks the privilege: grant it, or migrate as the tables' owner",
    "55P03": "A table stayed locked by another session: find it in pg_stat_activity, then migrate again",
    "57014": "The statement took longer than the time limit: split it, or raise the limit, then migrate again",
}
_CORRECT = "Correct the revision, then migrate again"


def of_command(error: CommandError, present: Sequence[str], url: URL, versions: Path) -> str:
    """Return why Alembic did not start: several heads, or a revision that has no file here."""
    try:
        found = revisions.load(versions)
        if "Multiple head" in str(error):
            return f"{found.several_heads()}."
    except revisions.RevisionError as fault:
        return f"{fault}."
    if unknown := [id_ for id_ in present if id_ not in found.known]:
        return (
            f"the database {url.database} is at revision {', '.join(unknown)}, which alembic/versions does not have: "
            "another branch or a newer version has migrated it. Check out that commit (`git log --all --oneline -- "
            f"'alembic/versions/*{unknown[0]}*'` lists it), or set DATABASE_URL to another database."
        )
    return f"{error}."


def of_revision(error: BaseException, versions: Path) -> str | None:
    """Return the failure of a revision's own code or SQL; None when no revision was running."""
    place = _place(error, versions)
    if place is None:
        return None
    if isinstance(error, RowsBreakRule):
        return f"{place}: {_one_line(str(error))}. Correct those rows, then migrate again."
    if not isinstance(error, DBAPIError):
        return f"{place} failed: {type(error).__name__}: {_one_line(str(error))}. {_CORRECT}."
    said = _one_line(str(getattr(error.orig, "__cause__", None) or error.orig))
    advice = _ADVICE.get(getattr(error.orig, "sqlstate", None) or "", _CORRECT)
    return f"{place} failed: {said}. {advice}."


def _place(error: BaseException, versions: Path) -> str | None:
    """Return `alembic/versions/FILE:LINE`, the last line of a revision in the error's traceback."""
    place, at = None, error.__traceback__
    while at is not None:
        path = Path(at.tb_frame.f_code.co_filename)
        if path.parent.resolve() == versions.resolve():
            place = f"alembic/versions/{path.name}:{at.tb_lineno}"
        at = at.tb_next
    return place


def _one_line(text: str) -> str:
    return " ".join(text.split())[:400].rstrip(".")
