"""The migrate step: the database gets the image's schema, before the release changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from toolkit.deploy import migrations
from toolkit.deploy.outcomes import Change, Failed, Outcome, Plan, fail
from toolkit.deploy.release import schemas
from toolkit.deploy.release.steps import Undecided

if TYPE_CHECKING:
    from toolkit.deploy.migrations import Pending
    from toolkit.deploy.release.state import Known, Target


@dataclass(frozen=True)
class Schemas:
    """The heads of the image and of the database, and the revisions between them.

    `other_database`: the variables have changed since the pods started, so they may name another one.
    `backup`: what the place can make before data is dropped. `too_early`: why a contract revision may not run yet.
    """

    known: Known
    head: str
    database: str
    pending: Pending
    other_database: bool
    allow_destructive: bool
    change: Change
    backup: Change | None = None
    too_early: Failed | None = None

    def plan(self) -> Plan:
        """Plan. Raises Failed CONTRACT_TOO_EARLY, and DESTRUCTIVE with the revisions unless they are allowed."""
        if self.head and self.head == self.database and not self.other_database:
            return Plan(note=f"schema at {self.head}")
        if self.pending.newer_than_known:
            return Plan(note=f"schema at {self.database}, newer than this image's {self.head}")
        if self.too_early:
            raise self.too_early
        destructive = [revision for revision in self.pending.revisions if revision.destructive]
        # An empty database has no running pods to break.
        if destructive and self.database and not self.allow_destructive:
            raise fail(
                "DESTRUCTIVE",
                "pending revisions break the running version",
                *(f"{revision.id}: {', '.join(revision.reasons)}" for revision in destructive),
                hint="split it into two deploys (add, then remove), or pass --allow-destructive (no rollback)",
            )
        # A contract revision does not break the running version, and still drops what the old one had.
        drops = bool(self.database) and any(item.destructive or item.contract_of for item in self.pending.revisions)
        return Plan(
            (self.backup, self.change) if self.backup and drops else (self.change,),
            note=f"{self.database or 'empty'} -> {self.head or 'head'}",
        )

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
        head, database = schemas.of_image(target, known, spec.digest), schemas.of_database(target)
        pending = migrations.pending(target.project, database, head)
        if pending.newer_than_known:
            schemas.require_fitting(target, "the code of this image", head, database)
        contracting = any(revision.contract_of for revision in pending.revisions)
        found = migrations.load(target.project) if contracting else None
        return Schemas(
            known,
            head,
            database,
            pending,
            target.place.has_other_variables(known.mark),
            target.options.allow_destructive,
            target.place.plan_migration(spec),
            target.place.plan_backup(),
            schemas.contract_refusal(target, found, head) if found else None,
        )

    def apply(self, target: Target, known: Known, plan: Plan) -> tuple[Outcome, Known]:
        """Raises Failed with the migration's last lines, or a verdict on what runs it; BACKUP_FAILED before."""
        if target.place.plan_backup() in plan.changes:
            target.report.progress(self.name, "backing up the database before data is dropped")
            made = target.place.back_up(f"before the migration {plan.note}")
            known = replace(known, backup=made)
        target.place.start_migration(target.required_spec(known)).wait()
        schema = known.image_schema or ""
        summary = "; ".join(filter(None, (plan.note, f"backup {known.backup}" if known.backup else "")))
        return Outcome(summary=summary), replace(known, schema_after=schema, destructive_ran=known.will_destroy)
