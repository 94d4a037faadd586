"""The migrate step: the database gets the image's schema, before the release changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from toolkit.deploy import migrations
from toolkit.deploy.image import registry
from toolkit.deploy.outcomes import Change, Outcome, Plan, fail
from toolkit.deploy.records import last_good
from toolkit.deploy.release.steps import Undecided

if TYPE_CHECKING:
    from toolkit.deploy.migrations import Pending
    from toolkit.deploy.release.state import Known, Target


@dataclass(frozen=True)
class Schemas:
    """The heads of the image and of the database, and the revisions between them.

    `other_database`: the variables have changed since the pods started, so they may name another one.
    """

    known: Known
    head: str
    database: str
    pending: Pending
    other_database: bool
    allow_destructive: bool
    change: Change

    def plan(self) -> Plan:
        """Plan. Raises Failed DESTRUCTIVE with the revisions, unless they are allowed."""
        if self.head and self.head == self.database and not self.other_database:
            return Plan(note=f"schema at {self.head}")
        if self.pending.newer_than_known:
            return Plan(note=f"schema at {self.database}, newer than this image's {self.head}")
        destructive = [revision for revision in self.pending.revisions if revision.destructive]
        # An empty database has no running pods to break.
        if destructive and self.database and not self.allow_destructive:
            raise fail(
                "DESTRUCTIVE",
                "pending revisions break the running version",
                *(f"{revision.id}: {', '.join(revision.reasons)}" for revision in destructive),
                hint="split it into two deploys (add, then remove), or pass --allow-destructive (no rollback)",
            )
        return Plan((self.change,), note=f"{self.database or 'empty'} -> {self.head or 'head'}")

    def learned(self) -> Known:
        destroys = bool(self.database) and any(revision.destructive for revision in self.pending.revisions)
        return replace(self.known, image_schema=self.head, schema_before=self.database, will_destroy=destroys)


class Migrate:
    """The migration step. Compares the schema's head (of the running service or last record) with the image's label."""

    name, undoable, touches, before_lock = "migrate", False, False, False

    def observe(self, target: Target, known: Known) -> Schemas | Undecided:
        spec = target.spec(known)
        if spec is None:
            return Undecided(known)
        head, database = _head(target, known, spec.digest), current_schema(target)
        return Schemas(
            known,
            head,
            database,
            migrations.pending(target.project, database, head),
            target.place.has_other_variables(known.mark),
            target.options.allow_destructive,
            target.place.plan_migration(spec),
        )

    def apply(self, target: Target, known: Known, plan: Plan) -> tuple[Outcome, Known]:
        """Raises Failed with the migration's last lines, or a verdict on what runs it."""
        target.place.start_migration(target.required_spec(known)).wait()
        schema = known.image_schema or ""
        return Outcome(summary=plan.note), replace(known, schema_after=schema, destructive_ran=known.will_destroy)


def _head(target: Target, known: Known, digest: str) -> str:
    """Return the image's head: from its build or its record, else from the registry."""
    if known.image_schema is not None:
        return known.image_schema
    for record in target.place.records():
        if record.digest == digest and record.image_schema:
            return record.image_schema
    return registry.about(target.environment.repository, digest).schema_head


def current_schema(target: Target) -> str:
    """Return the schema from /ready, else from the last release."""
    answer = target.place.ask("/ready")
    if isinstance(answer, Mapping) and answer.get("schema"):
        return str(answer["schema"])
    last = last_good(target.place.records())
    return (last.schema_after or last.image_schema) if last else ""
