"""Pending revisions of the schema, classified by whether running code survives them.

They are classified by the same offline SQL as in `migrate.lint`. A line `# deploy: additive`, `# deploy: destructive`
or `# deploy: contract ID` in a revision's file overrides the result.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.deploy import process
from toolkit.deploy.breaking_changes import reasons_in
from toolkit.deploy.outcomes import fail
from toolkit.dev import service


@dataclass(frozen=True)
class Revision:
    """A classified revision. A contract revision is not destructive: release/contracts.py decides when it may run."""

    id: str
    destructive: bool
    reasons: tuple[str, ...] = ()
    contract_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pending:
    """Pending revisions. `newer_than_known`: the database is at a revision of a newer image."""

    revisions: tuple[Revision, ...] = ()
    newer_than_known: bool = False


def load(project: Path) -> service.Revisions:
    """Return every revision of the checkout. Raises Failed REVISIONS_UNUSABLE."""
    try:
        return service.revisions(project)
    except service.ServiceError as error:
        raise fail("REVISIONS_UNUSABLE", str(error)) from None


def head(project: Path) -> str:
    """Return the single head; empty without revisions. Raises Failed SEVERAL_HEADS, REVISIONS_UNUSABLE."""
    return head_of(load(project))


def head_of(found: service.Revisions) -> str:
    """Return the single head; empty without revisions. Raises Failed SEVERAL_HEADS."""
    try:
        return found.head
    except service.RevisionError as error:
        raise fail("SEVERAL_HEADS", str(error), hint=f"`{service.MERGE}`, commit, then run this again") from None


def pending(project: Path, schema: str, head: str) -> Pending:
    """Return the revisions between the database's schema (or several, by commas, in branches) and the image's head.

    Raises Failed UNKNOWN_REVISION if the checkout lacks the head: without its file it cannot be classified.
    """
    if not head or schema == head:
        return Pending()
    found = load(project)
    revisions = missing(found, schema, head)
    return Pending(newer_than_known=True) if revisions is None else Pending(_judged(project, revisions))


def missing(found: service.Revisions, schema: str, head: str) -> tuple[service.Revision, ...] | None:
    """Return the revisions that the database lacks; None if it is ahead of the image. Pure.

    Raises Failed UNKNOWN_REVISION for an image's head that the checkout lacks, or that is on another branch.
    """
    present = tuple(id_ for id_ in schema.split(",") if id_)
    if not head or present == (head,):
        return ()
    if head not in found.known:
        raise fail(
            "UNKNOWN_REVISION",
            f"this checkout does not have the image's revision {head}",
            hint="check out the commit that the image was built from (`git pull`), then deploy again",
        )
    # A database ahead of the image, or at a revision of a newer checkout: an older image, rolled back manually.
    if head in found.ancestors(present) or any(id_ not in found.known for id_ in present):
        return None
    if beside := [id_ for id_ in present if id_ not in found.ancestors([head])]:
        raise fail(
            "UNKNOWN_REVISION",
            f"the image's revision {head} does not build on {', '.join(beside)}, which the database is at",
            hint=f"merge the branches (`{service.MERGE}`), commit, then deploy again",
        )
    return found.between(present, head)


def newer(project: Path, found: service.Revisions, code: str, schema: str) -> tuple[Revision, ...]:
    """Return the revisions that a database at `schema` has and code at `code` does not.

    Raises Failed UNKNOWN_REVISION, REVISION_UNREADABLE.
    """
    present = tuple(id_ for id_ in schema.split(",") if id_)
    if unknown := [id_ or "(none on record)" for id_ in (*present, code) if id_ not in found.known]:
        raise fail("UNKNOWN_REVISION", f"this checkout does not have revision {', '.join(unknown)}")
    wanted = {revision.id for id_ in present for revision in found.between([code], id_)}
    return _judged(project, [revision for revision in found.ordered if revision.id in wanted])


def judge(revision: service.Revision, sql: str) -> Revision:
    """Classify a revision: by the marker in its file, else by its SQL. Pure."""
    if revision.marker == "contract":
        return Revision(revision.id, destructive=False, contract_of=revision.contract_of)
    if revision.marker:
        destructive = revision.marker == "destructive"
        return Revision(revision.id, destructive, ("marked destructive",) if destructive else ())
    reasons = tuple(reasons_in(sql))
    return Revision(revision.id, bool(reasons), reasons)


def _judged(project: Path, path: Sequence[service.Revision]) -> tuple[Revision, ...]:
    """Return the SQL. Raises Failed REVISION_UNREADABLE for a revision that reads rows and has no marker."""
    sql = _sql(project, [revision.id for revision in path if not revision.marker])
    return tuple(judge(revision, sql.get(revision.id, "")) for revision in path)


def _sql(project: Path, ids: Sequence[str]) -> dict[str, str]:
    if not ids:
        return {}
    done = process.run([sys.executable, "-m", "toolkit.dev.migrations.offline_sql", *ids], cwd=project, seconds=120)
    if done.code:
        raise fail("REVISION_UNREADABLE", "the revisions cannot be written as SQL", done.cause)
    scripts = json.loads(done.out)
    if unreadable := [script["unreadable"] for script in scripts if script["unreadable"]]:
        raise fail(
            "REVISION_UNREADABLE",
            "a pending revision cannot be classified",
            *unreadable,
            hint="write `# deploy: additive` or `# deploy: destructive` into its file (docs/database.md)",
        )
    return {script["revision"]: "\n".join(statement["sql"] for statement in script["statements"]) for script in scripts}
