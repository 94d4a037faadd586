"""Renamed columns and tables: both names work until the contract revision. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from alembic.operations import ops

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
    words,
)
from toolkit.dev.migrations.looser_checks import is_looser
from toolkit.dev.migrations.names import quoted
from toolkit.dev.migrations.online_operations import Check, condition
from toolkit.dev.migrations.outstanding import Entry

LONGEST = 63  # of a name in PostgreSQL, in bytes
_INTEGERS = ("smallint", "integer", "bigint", "numeric")
_SIZED = re.compile(r"(character varying|numeric)(?:\((\d+)(?:,(\d+))?\))?")


def steps(change: Change, op: ops.AddColumnOp, old: str) -> Iterator[Step]:
    """Yield the steps for a new column that takes over from `old`."""
    table, new, column = op.table_name, op.column.name, op.column
    before = change.columns[table, old].to_column()
    types = bare_type(change.before, table, old), bare_type(change.wanted, table, new)
    value = change.intents.backfills.get((table, new), "")
    forth = _forth(old, types, value)
    if forth is None or (not column.nullable and before.nullable and not value):
        why = f"{types[0]} to {types[1]}" if forth is None else "nullable to required"
        yield Refusal(
            f"{table}.{old} becomes {table}.{new}, from {why}, and not every value has an equivalent. Run this again "
            f"with --backfill {table}.{new}=SQL, in resource.change --backfill {new}=SQL (an expression over the row, "
            f"such as {old}::integer)"
        )
        return
    default = change.wanted.get(Key("default", table, new), "")
    if column.nullable and not before.nullable:
        yield may_be_missing(change.columns[table, old])
    former = change.before.get(Key("default", table, old), "")
    same = column.server_default if types[0] == types[1] else None
    if former != default and (default or column.nullable) and (former or same is not None):
        # What new code leaves out must not look like a value of old code.
        yield ops.AlterColumnOp(
            table,
            old,
            existing_type=before.type,
            existing_nullable=before.nullable,
            modify_server_default=same,
            existing_server_default=before.server_default,
        )
    needed = is_required(column)
    yield nullable(op) if needed else op
    yield from _checks_of_the_old(change, table, old, new)
    named: dict[str, object] = {"forth": forth, "back": quoted(new) if types[0] != types[1] else "", "default": default}
    if value and column.nullable:
        named["keep_null"] = True
    yield Call(call("rename_column", table, old, new, **named), call("drop_trigger", table, old, new))
    yield Entry("rename_column", table, old, to=new)
    if needed:
        yield from required(table, new)


def _forth(old: str, types: tuple[str, str], value: str) -> str | None:
    """Return the new column's value as SQL, empty for the old one's; None if only the author knows it."""
    if types[0] == types[1]:
        return f"coalesce({quoted(old)}, ({value}))" if value else ""
    if not loses_nothing(*types):
        return value or None
    cast = f"{quoted(old)}::{types[1]}"
    return f"coalesce({cast}, ({value}))" if value else cast


def loses_nothing(before: str, after: str) -> bool:
    """Return True if every value of a type, as PostgreSQL spells it, has its equivalent in another."""
    if after in ("text", "character varying"):
        return True
    if before in _INTEGERS[:3] and after in _INTEGERS:
        return _INTEGERS.index(before) <= _INTEGERS.index(after)
    old, new = _SIZED.fullmatch(before), _SIZED.fullmatch(after)
    if not old or not new or old[1] != new[1] or not old[2]:
        return False
    if not new[2]:
        return True
    scale = int(old[3] or 0), int(new[3] or 0)
    return scale[0] <= scale[1] and int(old[2]) - scale[0] <= int(new[2]) - scale[1]


def same_kind(before: str, after: str) -> bool:
    """Return True if a CHECK can hold the new type's limits: both are texts, or both decimals."""
    old, new = _SIZED.fullmatch(before), _SIZED.fullmatch(after)
    kind = "character varying" if before == "text" else old and old[1]
    return bool(new and new[2] and new[1] == kind)


def _checks_of_the_old(change: Change, table: str, old: str, new: str) -> Iterator[Step]:
    """Drop a CHECK of the old column that new code could break by the copy of its value."""
    for key, definition in change.before.items():
        if key.kind == "constraint" and key.table == table and old in words(definition):
            after = condition(definition)
            if after is not None and _with_new_name(definition, old, new) not in _checks(change.wanted, table):
                yield Check(key.name, table, None, after)


def lifts(change: Change, op: ops.DropConstraintOp | ops.DropIndexOp) -> bool:
    """Return True for a key of a renamed column that its new name lacks: new code could break it by the copy."""
    if not isinstance(op, ops.DropConstraintOp):
        return False
    before = after = change.before.get(Key("constraint", op.table_name, str(op.constraint_name)), "")
    for (table, old), new in change.intents.renamed_columns.items():
        if table == op.table_name:
            after = _with_new_name(after, old, new)
    wanted = {text for key, text in change.wanted.items() if key[:2] == ("constraint", op.table_name)}
    return after != before and after not in wanted


def is_same_check(change: Change, op: Check, names: set[str]) -> bool:
    """Return True if a CHECK on a renamed column accepts what the one on its old name did."""
    wanted = change.wanted.get(Key("constraint", op.table, op.name))
    for (table, old), new in change.intents.renamed_columns.items():
        if table == op.table and new in names:
            found = [_with_new_name(check, old, new) for check in _checks(change.before, table) if old in words(check)]
            return any(is_looser(wanted, check) for check in found)
    return False


def is_same_reference(change: Change, op: ops.CreateForeignKeyOp) -> bool:
    """Return True if a foreign key on a renamed column refers to what the one on its old name did."""
    place = op.source_table
    wanted = _reference(change.wanted[Key("constraint", place, str(op.constraint_name))])
    for (table, old), new in change.intents.renamed_columns.items():
        if table == place and new in map(str, op.local_cols):
            found = [text for key, text in change.before.items() if key[:2] == ("constraint", table)]
            return any(_reference(_with_new_name(text, old, new)) == wanted for text in found)
    return False


def _reference(definition: str) -> str:
    """Return a foreign key without what it does after a delete or an update."""
    return definition.partition(" ON ")[0]


def _checks(catalogue: Mapping[Key, str], table: str) -> list[str]:
    return [text for key, text in catalogue.items() if key[:2] == ("constraint", table) and text.startswith("CHECK")]


def _with_new_name(definition: str, old: str, new: str) -> str:
    parts = re.split(r"('(?:[^']|'')*')", definition)
    return "".join(
        part if part.startswith("'") else re.sub(rf"(?<![\w$]){re.escape(old)}(?![\w$])", new, part) for part in parts
    )


@dataclass(frozen=True)
class Table:
    """A renamed table, with the names of constraints (by table) and indexes that change with it."""

    old: str
    new: str
    constraints: Mapping[str, Mapping[str, str]]
    indexes: Mapping[str, str]

    @property
    def statements(self) -> list[str]:
        """Return the SQL of the rename alone."""
        return [
            f"ALTER TABLE {quoted(self.old)} RENAME TO {quoted(self.new)}",
            *(
                f"ALTER TABLE {quoted(table)} RENAME CONSTRAINT {quoted(before)} TO {quoted(after)}"
                for table, names in self.constraints.items()
                for before, after in names.items()
            ),
            *(f"ALTER INDEX {quoted(old)} RENAME TO {quoted(new)}" for old, new in self.indexes.items()),
        ]

    @property
    def steps(self) -> list[Step]:
        names = {"constraints": dict(self.constraints), "indexes": dict(self.indexes)}
        reverse = {
            "constraints": {table: _swapped(pairs) for table, pairs in self.constraints.items()},
            "indexes": _swapped(self.indexes),
        }
        # Going down, the table has its old name before its constraints have theirs.
        reverse["constraints"] = {(self.old if t == self.new else t): n for t, n in reverse["constraints"].items()}
        there = call("rename_table", self.old, self.new, **names)
        return [
            Call(there, call("rename_table", self.new, self.old, **reverse, view=False)),
            Entry("rename_table", self.old, to=self.new),
        ]


def table(old: str, new: str, before: Mapping[Key, str], wanted: Mapping[Key, str]) -> Table:
    """Return a rename with the names that the models give to the same constraints and indexes.

    Those of columns that only old code knows get the new table's name, too: until they are dropped, their names say
    where they are.
    """
    constraints: dict[str, dict[str, str]] = {}
    indexes: dict[str, str] = {}
    for kind, place, name in before:
        now = new if place == old else place
        if kind not in ("constraint", "index") or Key(kind, now, name) in wanted:
            continue
        named = re.sub(rf"^([a-z]+)_{re.escape(old)}(?=_|$)", rf"\1_{new}", name) if place == old else name
        candidates = (named, re.sub(rf"_{re.escape(old)}$", f"_{new}", named))
        found = next((each for each in candidates if each != name and Key(kind, now, each) in wanted), None)
        after = found or (named if len(named) <= LONGEST and Key(kind, place, named) not in before else name)
        if after != name and kind == "constraint":
            constraints.setdefault(now, {})[name] = after
        elif after != name:
            indexes[name] = after
    return Table(old, new, constraints, indexes)


def _swapped(names: Mapping[str, str]) -> dict[str, str]:
    return {after: before for before, after in names.items()}
