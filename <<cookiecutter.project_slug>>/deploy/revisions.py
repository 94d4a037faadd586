"""Pending revisions of the schema: which, and whether code that still serves survives them.

They are classified from the same offline SQL that `migrate.lint` reads. A line `# deploy: additive` or
`# deploy: destructive` in a revision's file has the last word.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy import process
from deploy.model import fail

MARKER = re.compile(r"^#\s*deploy:\s*(additive|destructive)\b", re.M)
REVISION = re.compile(r"^revision\b[^=\n]*=\s*[\"']([^\"']+)[\"']", re.M)
DOWN = re.compile(r"^down_revision\b[^=\n]*=\s*[\"']([^\"']+)[\"']", re.M)
# What breaks pods of the version before. The order is that of the evidence.
DESTRUCTIVE = (
    (re.compile(r"\bDROP\s+(TABLE|SCHEMA|VIEW|TYPE|SEQUENCE)\b", re.I), "drops {1}"),
    (re.compile(r"\bDROP\s+COLUMN\b", re.I), "drops a column"),
    (re.compile(r"\bRENAME\b", re.I), "renames"),
    (re.compile(r"\bALTER\s+COLUMN\s+\S+\s+(SET\s+DATA\s+)?TYPE\b", re.I), "changes a column's type"),
    (re.compile(r"\bALTER\s+COLUMN\s+\S+\s+SET\s+NOT\s+NULL\b", re.I), "makes a column NOT NULL"),
    (
        re.compile(r"\bADD\s+COLUMN\b(?=.*\bNOT\s+NULL\b)(?!.*\b(DEFAULT|GENERATED)\b)", re.I | re.S),
        "adds a NOT NULL column without default",
    ),
    (re.compile(r"\b(DELETE\s+FROM|TRUNCATE)\b(?!\s+alembic_version)", re.I), "deletes rows"),
)


@dataclass(frozen=True)
class Revision:
    id: str
    destructive: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pending:
    """`newer_than_known`: the database is at a revision that this image does not know; it came with a newer one."""

    revisions: tuple[Revision, ...] = ()
    newer_than_known: bool = False


def chain(project: Path) -> dict[str, tuple[str | None, str]]:
    """Each revision of the checkout with the one before it and the text of its file."""
    found = {}
    for path in sorted((project / "alembic" / "versions").glob("*.py")):
        text = path.read_text("utf-8")
        if revision := REVISION.search(text):
            down = DOWN.search(text)
            found[revision[1]] = (down[1] if down else None, text)
    return found


def pending(project: Path, schema: str, head: str) -> Pending:
    """Those between the database's schema and the image's head.

    Raises Failed UNKNOWN_REVISION when the checkout lacks the head: without its file nobody can say what it does.
    """
    if not head or head == schema:
        return Pending()
    known = chain(project)
    path, at = [], head
    while at and at != schema and at in known:
        path.append(at)
        at = known[at][0] or ""
    if schema and at != schema:
        if head in known and schema in known and head in _ancestors(known, schema):
            return Pending(newer_than_known=True)
        if head in known and schema not in known:
            return Pending(newer_than_known=True)  # unknown head = newer (an older image, rolled back by hand)
        raise fail(
            "UNKNOWN_REVISION",
            f"this checkout has no way from revision {schema} to the image's {head}",
            hint="check out the commit that the image was built from (`git pull`), then deploy again",
        )
    return Pending(
        tuple(judge(revision, known[revision][1], _sql(project, known, revision)) for revision in reversed(path))
    )


def judge(revision: str, text: str, sql: str) -> Revision:
    """Pure. The marker in the file wins; else what the SQL does."""
    if marker := MARKER.search(text):
        said = marker[1] == "destructive"
        return Revision(revision, said, ("marked destructive",) if said else ())
    reasons = tuple(reasons_in(sql))
    return Revision(revision, bool(reasons), reasons)


def reasons_in(sql: str) -> list[str]:
    """What in a script breaks code that was written for the schema before; comments and strings do not count. Pure."""
    bare = re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", " ", sql, flags=re.S)
    found = []
    for statement in bare.split(";"):
        for pattern, text in DESTRUCTIVE:
            if match := pattern.search(statement):
                name = text.replace("{1}", match[1].lower()) if "{1}" in text else text
                found.append(f"{name}: {' '.join(statement.split())[:100]}")
    return found


def _ancestors(known: dict[str, tuple[str | None, str]], revision: str) -> set[str]:
    found: set[str] = set()
    at: str | None = revision
    while at and at in known:
        found.add(at)
        at = known[at][0]
    return found


def _sql(project: Path, known: dict[str, tuple[str | None, str]], revision: str) -> str:
    if MARKER.search(known[revision][1]):
        return ""  # the marker decides
    span = f"{known[revision][0] or 'base'}:{revision}"
    command = [sys.executable, "-m", "alembic", "upgrade", span, "--sql"]
    variables = {**os.environ, "ENVIRONMENT": "local", "DATABASE_URL": "postgresql://nobody@localhost/offline"}
    done = process.run(command, cwd=project, env=variables, seconds=120)
    if done.code:
        raise fail(
            "REVISION_UNREADABLE",
            f"revision {revision} can't be written as SQL",
            done.cause,
            hint="`python3 tasks.py migrate.lint`",
        )
    return done.out
