"""One revision being written, in a temporary database at the newest one: expand or contract."""

from __future__ import annotations

import contextlib
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from alembic.operations import Operations, ops
from alembic.runtime.migration import MigrationContext
from alembic.script import Script
from sqlalchemy import Connection, MetaData
from sqlalchemy.exc import DBAPIError

from alembic import command
from toolkit.dev.migrations import (
    catalogue,
    contracting,
    environment,
    expanding,
    half_done,
    online_operations,
    outstanding,
    renaming,
    unseen_changes,
)
from toolkit.dev.migrations.catalogue import Key
from toolkit.dev.migrations.change import Change
from toolkit.dev.migrations.intents import NONE, Intents
from toolkit.dev.migrations.names import quoted
from toolkit.dev.migrations.outstanding import Entry

CONTRACT = "python3 tasks.py migrate.contract"


class Refused(Exception):
    """No safe revision exists for the change. The message has each reason and the next step."""


@dataclass(frozen=True)
class Found:
    """Changes of the models: the catalogue before, Alembic's operations, and those that it misses.

    `dropped` are the CHECKs that go with their column.
    """

    before: Mapping[Key, str]
    seen: Sequence[ops.MigrateOperation]
    missed: Sequence[ops.MigrateOperation]
    dropped: Sequence[ops.MigrateOperation]


@dataclass
class Writing(ABC):
    """`metadata` has the models, `wanted` is their catalogue; `notes` are for the author."""

    project: Path
    message: str
    metadata: MetaData
    wanted: dict[Key, str]
    notes: list[str] = field(default_factory=list)

    def write(self, connection: Connection) -> Path | None:
        """Write the revision; None when there is nothing to write. Raises Refused, OutstandingError."""
        config = environment.config(self.project)
        config.attributes["connection"] = connection  # alembic/env.py uses it instead of the settings' database
        with contextlib.redirect_stdout(sys.stderr):
            command.upgrade(config, "head")
            catalogue.narrow(connection)
            self.prepare(connection)
            connection.commit()
            made = command.revision(config, self.message, autogenerate=True, process_revision_directives=self._complete)
        script = made if isinstance(made, Script) else None
        self.finish(script)
        return Path(script.path) if script else None

    @abstractmethod
    def prepare(self, connection: Connection) -> None:
        """Change the temporary database, so that Alembic finds only what the revision is about."""

    @abstractmethod
    def operations(self, found: Found) -> list[ops.MigrateOperation] | None:
        """Return the revision's operations; None for no revision."""

    @abstractmethod
    def finish(self, script: Script | None) -> None:
        """Update the outstanding steps."""

    def _complete(self, context: MigrationContext, _: object, directives: list[ops.MigrationScript]) -> None:
        upgrade, downgrade = directives[0].upgrade_ops, directives[0].downgrade_ops
        assert upgrade is not None  # noqa: S101 - for the type checker, as the next
        assert downgrade is not None  # noqa: S101
        seen = list(online_operations.flat(upgrade.ops))
        before = catalogue.read(_connection(context))
        missed: list[ops.MigrateOperation] = []
        dropped: list[ops.MigrateOperation] = []
        if (after := self._tried(context, seen)) is not None:
            missed, uncovered = unseen_changes.operations(self.metadata, catalogue.differences(self.wanted, after))
            dropped = unseen_changes.dropped_checks(before, after, self.wanted)
            self.notes += [f"not covered by the revision, add it manually: {difference}" for difference in uncovered]
        made = self.operations(Found(before, seen, missed, dropped))
        if made is None:
            directives.clear()
            return
        upgrade.ops[:] = online_operations.repeatable(made)
        downgrade.ops[:] = online_operations.repeatable([op.reverse() for op in reversed(made)])

    def _tried(self, context: MigrationContext, found: Sequence[ops.MigrateOperation]) -> dict[Key, str] | None:
        """Apply Alembic's operations and return the catalogue, which shows what they miss; None for an error."""
        connection = _connection(context)
        try:
            with connection.begin_nested():
                for op in found:
                    Operations(context).invoke(online_operations.as_rendered(op))
        except DBAPIError as error:
            words = " ".join(str(error.orig.__cause__ if error.orig else error).split())
            self.notes.append(f"PostgreSQL rejects the revision, correct it manually: {words}")
            return None
        return catalogue.read(connection)


@dataclass
class Expand(Writing):
    """A revision that the running version survives; the rest of the change becomes outstanding."""

    intents: Intents = NONE
    _kept: tuple[Entry, ...] = ()
    _added: list[Entry] = field(default_factory=list)
    _tables: list[renaming.Table] = field(default_factory=list)

    def prepare(self, connection: Connection) -> None:
        entries = outstanding.read(self.project)
        revoked = outstanding.revoked(entries, self.wanted, unseen_changes.conditions(self.metadata))
        if fixed := [entry for entry in revoked if entry.kind not in outstanding.REVOCABLE]:
            raise _contract_first("the models revoke changes that are half done", fixed)
        self._kept = tuple(entry for entry in entries if entry not in revoked)
        for statement in outstanding.statements(self._kept):
            connection.exec_driver_sql(statement)
        for old, new in self.intents.renamed_tables.items():
            if any(old in (entry.table, entry.to) for entry in self._kept):
                raise Refused(f"{old} cannot be renamed before its outstanding steps are released (`{CONTRACT}`).")
            table = renaming.table(old, new, catalogue.read(connection), self.wanted)
            self._tables.append(table)
            for statement in table.statements:
                connection.exec_driver_sql(statement)

    def operations(self, found: Found) -> list[ops.MigrateOperation] | None:
        planned = expanding.plan(
            Change.of(found.before, self.wanted, self.intents, found.seen), found.missed, self._tables
        )
        if planned.refused:
            raise Refused("\n".join(planned.refused))
        if copied := half_done.renames(self._kept, planned.operations):
            raise _contract_first("the models change fields whose old names still have the old rules", copied)
        self._added = planned.entries
        # Without operations, the revision still records that the code has changed: the contract waits for it.
        return planned.operations if planned.operations or planned.entries else None

    def finish(self, script: Script | None) -> None:
        added = [replace(entry, revision=script.revision) for entry in self._added] if script else []
        entries = (*self._kept, *added)
        if entries != outstanding.read(self.project):
            outstanding.write(self.project, entries)
        self.notes += [f"for a later release, `{CONTRACT}` {entry}" for entry in added]


@dataclass
class Contract(Writing):
    """The revision that takes all outstanding steps."""

    entries: tuple[Entry, ...] = ()

    def prepare(self, connection: Connection) -> None:
        step = connection.begin_nested()
        for statement in outstanding.statements(self.entries):
            connection.exec_driver_sql(statement)
        others = catalogue.differences(self.wanted, catalogue.read(connection))
        step.rollback()
        for entry in self.entries:
            if entry.kind == "rename_table":  # its view would keep columns from being dropped
                connection.exec_driver_sql(f"DROP VIEW {quoted(entry.table)}")
        if others:
            listed = "".join(f"\n  {difference}" for difference in others)
            raise Refused(f"the models have other changes; write their revision first (`migrate.new`):{listed}")

    def operations(self, found: Found) -> list[ops.MigrateOperation] | None:
        return [*found.dropped, *contracting.plan(self.entries, found.seen, found.missed, found.before)]

    def finish(self, script: Script | None) -> None:
        assert script is not None  # noqa: S101 - there is at least one entry
        path = Path(script.path)
        ids = ", ".join(dict.fromkeys(entry.revision for entry in self.entries))
        path.write_text(f"# deploy: contract {ids}\n{path.read_text('utf-8')}", encoding="utf-8")
        outstanding.write(self.project, ())
        self.notes += [f"the revision {entry}" for entry in self.entries]


def _contract_first(what: str, entries: Sequence[Entry]) -> Refused:
    listed = "".join(f"\n  revision {entry.revision}: a later release {entry}" for entry in entries)
    return Refused(
        f"{what}:{listed}\n"
        f"Write their contract first (`{CONTRACT}`, with the models as they were); or, if the revision was "
        "never released, delete it and its [[contract]] entries in service.toml."
    )


def _connection(context: MigrationContext) -> Connection:
    assert context.connection is not None  # noqa: S101 - for the type checker
    return context.connection
