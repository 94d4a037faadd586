"""The contract revision: the outstanding steps as operations that a running service notices nothing of. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from alembic.operations import ops

from toolkit.dev.migrations import online_operations
from toolkit.dev.migrations.calls import Call, call
from toolkit.dev.migrations.catalogue import Key
from toolkit.dev.migrations.change import bare_type, is_required, nullable, split
from toolkit.dev.migrations.names import not_null, quoted
from toolkit.dev.migrations.online_operations import Check
from toolkit.dev.migrations.outstanding import Entry


def plan(
    entries: Sequence[Entry],
    seen: Iterable[ops.MigrateOperation],
    missed: Iterable[ops.MigrateOperation],
    before: Mapping[Key, str],
) -> list[ops.MigrateOperation]:
    """Return the operations of the entries, which are all that Alembic sees and misses."""
    seen = list(seen)
    dropped = {op.table_name for op in seen if isinstance(op, ops.DropTableOp)}
    temporary = {not_null(entry.table, entry.column) for entry in entries if entry.kind == "not_null"}
    found: list[ops.MigrateOperation] = []
    for entry in entries:
        if entry.kind == "rename_table":
            found.append(Call(call("drop_view", entry.table), call("create_view", entry.table, entry.to)))
        elif entry.kind == "map":
            found.append(Call(call("replace_values", entry.table, entry.column, dict(entry.values))))
    for op in (part for whole in (*seen, *missed) for part in split(whole)):
        if isinstance(op, Check) and op.name in temporary:
            continue  # set_not_null drops it
        if online_operations.table_of(op) in dropped:
            found.append(op)
        elif isinstance(op, ops.DropColumnOp):
            found += _dropped(entries, op, before)
        elif isinstance(op, ops.AlterColumnOp) and op.modify_type is not None:
            found.append(_narrowed(entries, op))
        elif isinstance(op, ops.AlterColumnOp) and op.modify_nullable is False:
            found.append(_required(entries, op))
        else:
            found.append(online_operations.online(op))
    return found


def _dropped(
    entries: Sequence[Entry], op: ops.DropColumnOp, before: Mapping[Key, str]
) -> Iterator[ops.MigrateOperation]:
    table, old = op.table_name, op.column_name
    for entry in entries:
        if (entry.kind, entry.table, entry.column) != ("rename_column", table, old):
            continue
        default = before.get(Key("default", table, old), "")
        types = bare_type(before, table, old), bare_type(before, table, entry.to)
        # Going down, a value that the old type cannot hold stops the revision.
        cast = {} if types[0] == types[1] else {"forth": f"{quoted(entry.to)}::text::{types[0]}", "back": quoted(old)}
        back = call("rename_column", table, entry.to, old, **cast, default=default)
        if is_required(op.to_column()):
            # Going down, a column with rows gets its values first.
            yield Call("", call("set_not_null", table, old))
            yield Call("", call("require_column", table, old))
            added = op.reverse()
            assert isinstance(added, ops.AddColumnOp)  # noqa: S101 - for the type checker
            op = ops.DropColumnOp(table, old, schema=op.schema, _reverse=nullable(added))
        yield Call(call("drop_trigger", table, old, entry.to), back)
    yield op


def _narrowed(entries: Sequence[Entry], op: ops.AlterColumnOp) -> ops.MigrateOperation:
    table, column = op.table_name, op.column_name
    type_ = next(e.definition for e in entries if (e.kind, e.table, e.column) == ("type", table, column))
    return Call(call("narrow_column", table, column, type_), call("undo_narrow_column", table, column))


def _required(entries: Sequence[Entry], op: ops.AlterColumnOp) -> ops.MigrateOperation:
    table, column = op.table_name, op.column_name
    value = next((e.value for e in entries if (e.kind, e.table, e.column) == ("not_null", table, column)), "")
    back = call("require_column", table, column, *[value] * bool(value))
    return Call(call("set_not_null", table, column), back)
