"""Schemas of a release: those of the database and of images, and whether code works on a schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from toolkit.deploy import git, migrations
from toolkit.deploy.image import registry
from toolkit.deploy.outcomes import Failed, fail
from toolkit.deploy.records import last_good
from toolkit.deploy.release import contracts

if TYPE_CHECKING:
    from toolkit.deploy.release.state import Known, Target
    from toolkit.dev.service import Revision, Revisions


def of_database(target: Target) -> str:
    """Return the schema from the place, else from /ready, else from the last release."""
    if (known := target.place.schema()) is not None:
        return known
    answer = target.place.ask("/ready")
    if isinstance(answer, Mapping) and answer.get("schema"):
        return str(answer["schema"])
    last = last_good(target.place.records())
    return (last.schema_after or last.image_schema) if last else ""


def of_image(target: Target, known: Known, digest: str) -> str:
    """Return the image's head: from its build or its record, else from the registry."""
    return _of_digest(target, digest) if known.image_schema is None else known.image_schema


def _of_digest(target: Target, digest: str) -> str:
    for record in target.place.records():
        if record.digest == digest and record.image_schema:
            return record.image_schema
    return registry.about(target.environment.repository, digest).schema_head


def of_code(target: Target) -> tuple[contracts.Code, ...]:
    """Return the deployed code, and the code that an automatic rollback would bring back; nothing before a release.

    /ready does not count: the schema there is the database's, which after a rollback is newer than the code.
    """
    records, running = target.place.records(), target.place.running_digest()
    last = last_good(records)
    roles = {running: "is deployed"} if running else {}
    if last:
        roles.setdefault(last.digest, "is what a rollback would bring back")
    return tuple(_code(target, digest, role) for digest, role in roles.items())


def _code(target: Target, digest: str, role: str) -> contracts.Code:
    number = next((record.number for record in reversed(target.place.records()) if record.digest == digest), None)
    try:
        schema = _of_digest(target, digest)
    except Failed:
        schema = ""
    return contracts.Code("an image not on record" if number is None else f"release {number}", digest, schema, role)


def contract_refusal(target: Target, found: Revisions, head: str) -> Failed | None:
    """Return CONTRACT_TOO_EARLY if an upgrade of the database to `head` would run a contract revision too early."""
    if not any(revision.contract_of for revision in found.known.values()):
        return None
    schema = of_database(target)
    pending = migrations.missing(found, schema, head) or ()
    lacking = contracts.too_early(found, schema, pending, of_code(target))
    return contracts.refusal(found, pending, lacking, _next_step(target, found, pending)) if lacking else None


def _next_step(target: Target, found: Revisions, pending: Sequence[Revision]) -> str:
    """Return what has to be released first: an earlier release, else an earlier commit."""
    contracting = [revision for revision in pending if revision.contract_of]
    expands = sorted({id_ for revision in contracting for id_ in revision.contract_of})
    records, name = target.place.records(), target.environment.name
    if fitting := contracts.between(records, found, expands, [revision.id for revision in contracting]):
        command = f"python3 tasks.py rollback {name} --to {fitting.number}"
        return f"release {fitting.number} ({fitting.digest[: contracts.SHORT]}) has to be out first: `{command}`"
    if commit := _commit_before(target, contracting[0], [found.known[id_] for id_ in expands]):
        commands = f"git switch --detach {commit} && python3 tasks.py deploy {name} && git switch -"
        return f"commit {commit} has to be out first: `{commands}`"
    return (
        f"a release with {', '.join(expands)} and without {contracting[0].id} has to be out first: "
        "deploy a commit from before that file"
    )


def _commit_before(target: Target, contract: Revision, expands: Sequence[Revision]) -> str:
    """Return the last commit without the contract revision; empty unless it has the expand revisions."""
    project = target.project
    places = [f"./{revision.path.relative_to(project).as_posix()}" for revision in (contract, *expands)]
    added = git.output(project, "log", "-1", "--diff-filter=A", "--format=%h", "--", places[0])
    commit = git.output(project, "rev-parse", "--short", f"{added}~1" if added else "HEAD")
    has = [git.output(project, "cat-file", "-e", f"{commit}:{place}") is not None for place in places]
    return commit if commit and has == [False, *[True for _ in expands]] else ""


def require_fitting(target: Target, what: str, code: str, schema: str) -> str:
    """Check that code at revision `code` works on the schema; return a note, empty if it does.

    Raises Failed FORWARD_FIX if it does not, unless --allow-destructive is given. A schema of which this checkout lacks
    a revision is not checked.
    """
    if code == schema or not schema:
        return ""
    try:
        found = migrations.load(target.project)
        newer = migrations.newer(target.project, found, code, schema)
    except Failed as error:
        return f"not checked whether {what} works on the schema: {error.failure.message}"
    broken = contracts.broken_by(found, code, newer)
    if broken and not target.options.allow_destructive:
        fitting = contracts.fitting(found, target.place.records(), newer)
        raise fail(
            "FORWARD_FIX",
            f"{what} does not work on the database's schema {schema}",
            *broken,
            f"releases whose code works on it: {', '.join(fitting) or 'none'}",
            hint="roll back to one of them (--to), or deploy a correction; --allow-destructive overrides this",
        )
    return f"{what} does not work on all of the schema: {'; '.join(broken)}" if broken else ""
