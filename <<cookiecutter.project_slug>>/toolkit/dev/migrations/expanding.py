"""Expand and contract: the part of a change that old code survives, and the rest as entries for a later release.

Pure: Alembic's operations, the catalogue before and after, and the author's intents in; operations and entries out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from alembic.operations import ops

from toolkit.dev.migrations import online_operations, renaming
from toolkit.dev.migrations.calls import Call, call
from toolkit.dev.migrations.catalogue import Key
from toolkit.dev.migrations.change import (
    Change,
    Refusal,
    Step,
    bare_type,
    is_required,
    may_be_missing,
    nullable,
    required,
    split,
    words,
)
from toolkit.dev.migrations.foreign_keys import REPLACES
from toolkit.dev.migrations.online_operations import Check
from toolkit.dev.migrations.outstanding import Entry

TYPE_ADVICE = (
    "{where} changes its type from {before} to {after}, which rewrites the table while old code still writes the old "
    "type. Rename the field in the same change, such as `{column}->{column}_new:TYPE`"
)
VALUE_ADVICE = (
    "{where} is required and has no default: existing rows, and code that does not know it, need a value. Run this "
    "again with --backfill {where}=SQL, in resource.change --backfill {column}=SQL (an expression over the row, such "
    "as 0 or lower(name)); or give it a default"
)
OWNER_ADVICE = (
    "{where} is required and has no default: existing rows, and code that does not know it, need an owner. Run this "
    "again with --backfill {where}=SQL, in resource.change --backfill {column}=SQL (an expression over the row: the "
    "`sub` of its owner's token, such as 'alice' or user_id::text)"
)


@dataclass(frozen=True)
class Plan:
    """`operations` for the revision, `entries` for a later one, `refused` changes."""

    operations: list[ops.MigrateOperation]
    entries: list[Entry]
    refused: list[str]


def plan(change: Change, missed: Iterable[ops.MigrateOperation], tables: Sequence[renaming.Table] = ()) -> Plan:
    """Split Alembic's operations and those that it `missed`; renamed `tables` come first."""
    renamed = [step for table in tables for step in table.steps]
    steps = [step for op in (*change.seen, *missed) for part in split(op) for step in _steps(change, part)]
    steps = [*renamed, *_loosening_first(steps), *_maps(change)]
    # The view of a renamed table depends on types and columns: types change before it exists, and it is dropped first.
    steps = [*_under_old_names(steps, tables), *steps, *(Call("", call("drop_view", table.old)) for table in tables)]
    return Plan(
        [step for step in steps if isinstance(step, ops.MigrateOperation)],
        [step for step in steps if isinstance(step, Entry)],
        [step.text for step in steps if isinstance(step, Refusal)],
    )


def _loosening_first(steps: list[Step]) -> list[Step]:
    """Return the steps with those first that allow what the others may write into existing rows."""
    online = [step.inner for step in steps if isinstance(step, online_operations.Online)]
    kept = {
        str(op.constraint_name) for op in online if isinstance(op, ops.CreateForeignKeyOp) and op.info.get(REPLACES)
    }

    def loosens(step: Step) -> bool:
        if isinstance(step, ops.DropConstraintOp):
            return str(step.constraint_name) not in kept
        return isinstance(step, Check) and bool(step.before) and (step.looser or step.after is None)

    return sorted(steps, key=lambda step: not loosens(step))


def _under_old_names(steps: list[Step], tables: Sequence[renaming.Table]) -> list[Step]:
    """Take the changes of types of renamed tables out of `steps`, and return them for the old names."""
    old_names = {table.new: table.old for table in tables}
    found: list[Step] = []
    for step in list(steps):
        if isinstance(step, online_operations.Widened) and step.inner.table_name in old_names:
            steps.remove(step)
            step.inner.table_name = old_names[step.inner.table_name]
            found.append(step)
    return found


def _steps(change: Change, op: ops.MigrateOperation) -> Iterator[Step]:
    table = online_operations.table_of(op)
    if isinstance(op, ops.DropTableOp):
        yield Entry("drop_table", op.table_name)
    elif table in change.created or table is None:
        yield op
    elif table in change.dropped or _goes_with_a_column(change, op):
        pass  # the contract revision drops it with its table or column
    elif isinstance(op, ops.AddColumnOp):
        yield from _added(change, op)
    elif isinstance(op, ops.DropColumnOp):
        yield from _removed(change, op)
    elif isinstance(op, ops.AlterColumnOp):
        yield from _altered(change, op)
    elif isinstance(op, ops.CreateForeignKeyOp) and not _is_free_reference(change, op):
        name = str(op.constraint_name)
        yield Entry("foreign_key", table, name=name, definition=change.wanted[Key("constraint", table, name)])
    elif isinstance(op, Check) and not _is_free(change, op):
        if not op.tighter:
            yield Check(op.name, op.table, None, op.before)  # new code may write what it forbids
        yield Entry("check", op.table, name=op.name, definition=op.after or "")
    else:
        yield online_operations.online(op)


def _added(change: Change, op: ops.AddColumnOp) -> Iterator[Step]:
    table, column = op.table_name, op.column
    if old := change.renamed_from(table, column.name):
        yield from renaming.steps(change, op, old)
        return
    value = change.intents.backfills.get((table, column.name), "")
    if not is_required(column):
        yield op
        if value:
            yield Call(call("backfill", table, f'"{column.name}" = ({value})', f'"{column.name}" IS NULL'))
    elif value:
        yield nullable(op)
        yield from required(table, column.name, value)
    else:
        advice = OWNER_ADVICE if column.info.get("owner") else VALUE_ADVICE
        yield Refusal(advice.format(where=f"{table}.{column.name}", column=column.name))


def _removed(change: Change, op: ops.DropColumnOp) -> Iterator[Step]:
    table, column = op.table_name, op.column_name
    if (table, column) in change.intents.renamed_columns:
        return  # with its new name
    if is_required(op.to_column()):
        yield may_be_missing(op)
    yield Entry("drop_column", table, column)


def _altered(change: Change, op: ops.AlterColumnOp) -> Iterator[Step]:
    """Yield what loosens the column for now, and what tightens it for later. The operation changes one property."""
    table, column = op.table_name, op.column_name
    if op.modify_type is not None:
        before, after = (bare_type(catalogue, table, column) for catalogue in (change.before, change.wanted))
        if online_operations.widens(op):
            yield online_operations.Widened(op)
        elif renaming.same_kind(before, after) and renaming.loses_nothing(after, before):
            yield Entry("type", table, column, definition=after)
        else:
            yield Refusal(TYPE_ADVICE.format(where=f"{table}.{column}", column=column, before=before, after=after))
    elif op.modify_server_default is None:
        yield Entry("drop_default", table, column)
    elif op.modify_nullable is not False:
        yield op
    elif value := change.intents.backfills.get((table, column)) or change.wanted.get(Key("default", table, column)):
        yield from required(table, column, value)
    else:
        yield Refusal(VALUE_ADVICE.format(where=f"{table}.{column}", column=column))


def _maps(change: Change) -> Iterator[Step]:
    for (table, column), values in change.intents.value_maps.items():
        yield Entry("map", table, column, values=values)


def _goes_with_a_column(change: Change, op: ops.MigrateOperation) -> bool:
    """Return True for the removal of an index or constraint whose column is removed later."""
    if not isinstance(op, ops.DropIndexOp | ops.DropConstraintOp):
        return False
    if isinstance(op, ops.DropIndexOp) and Key("index", str(op.table_name), str(op.index_name)) in change.wanted:
        return False  # another index takes its name
    made = op.reverse()
    names = {str(getattr(name, "name", name)) for name in columns_of(made)}
    gone = [drop for (table, name), drop in change.columns.items() if table == op.table_name and name in names]
    # New code would give every row the same default.
    unique = isinstance(made, ops.CreateUniqueConstraintOp) or getattr(made, "unique", False)
    defaults = unique and any(drop.to_column().server_default is not None for drop in gone)
    return bool(gone) and not defaults and not renaming.lifts(change, op)


def columns_of(op: ops.MigrateOperation) -> Sequence[object]:
    """Return the columns of an operation that makes an index or a constraint."""
    return getattr(op, "local_cols", None) or getattr(op, "columns", None) or ()


def _is_free(change: Change, op: Check) -> bool:
    """Return True for a CHECK that no write of old code breaks: looser, or only for columns that it does not know."""
    if op.after is None or op.looser:
        return True
    names = words(op.after)
    return change.is_unknown(op.table, names) or renaming.is_same_check(change, op, names)


def _is_free_reference(change: Change, op: ops.CreateForeignKeyOp) -> bool:
    """Return True for a foreign key that no write of old code breaks, as `_is_free`."""
    if op.info.get(REPLACES) or any((op.source_table, str(name)) in change.added for name in op.local_cols):
        return True
    return renaming.is_same_reference(change, op)
