"""Changes of a renamed column before its contract: a trigger copies its values to the old one. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from alembic.operations import ops

from toolkit.dev.migrations.change import words
from toolkit.dev.migrations.expanding import columns_of
from toolkit.dev.migrations.online_operations import Check, Widened
from toolkit.dev.migrations.outstanding import Entry


def renames(entries: Iterable[Entry], operations: Iterable[ops.MigrateOperation]) -> list[Entry]:
    """Return the outstanding renames of columns whose type, default or rules the operations change."""
    changed = {place for op in operations for place in _changed(op)}
    return [entry for entry in entries if entry.kind == "rename_column" and (entry.table, entry.to) in changed]


def _changed(op: ops.MigrateOperation) -> set[tuple[str, str]]:
    if isinstance(op, Widened):
        op = op.inner
    if isinstance(op, ops.AlterColumnOp):
        return {(op.table_name, op.column_name)}
    if isinstance(op, Check) and op.before:
        return {(op.table, word) for word in words(op.before)}
    if isinstance(op, ops.DropConstraintOp):
        return {(op.table_name, str(getattr(column, "name", column))) for column in columns_of(op.reverse())}
    return set()
