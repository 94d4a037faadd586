"""A change of the schema: catalogues before and after, Alembic's operations, the author's intents. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from alembic.operations import ops

from toolkit.dev.migrations.calls import Call, call
from toolkit.dev.migrations.catalogue import Key
from toolkit.dev.migrations.intents import Intents
from toolkit.dev.migrations.outstanding import Entry


@dataclass(frozen=True)
class Refusal:
    """A change that no revision makes safely; `text` says why, and the next step."""

    text: str


Step = ops.MigrateOperation | Entry | Refusal


@dataclass(frozen=True)
class Change:
    """All that is known of a change. `before` and `wanted` are catalogues, `seen` the operations of Alembic."""

    before: Mapping[Key, str]
    wanted: Mapping[Key, str]
    intents: Intents
    seen: Sequence[ops.MigrateOperation]
    created: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()
    columns: Mapping[tuple[str, str], ops.DropColumnOp] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        before: Mapping[Key, str],
        wanted: Mapping[Key, str],
        intents: Intents,
        seen: Sequence[ops.MigrateOperation],
    ) -> Change:
        return cls(
            before,
            wanted,
            intents,
            seen,
            frozenset(op.table_name for op in seen if isinstance(op, ops.CreateTableOp)),
            frozenset(op.table_name for op in seen if isinstance(op, ops.DropTableOp)),
            {(op.table_name, op.column_name): op for op in seen if isinstance(op, ops.DropColumnOp)},
        )

    def renamed_from(self, table: str, column: str) -> str:
        """Return the old name of a new column; empty if it is not a renamed one."""
        names = [old for (where, old), new in self.intents.renamed_columns.items() if (where, new) == (table, column)]
        return names[0] if names and (table, names[0]) in self.columns else ""

    @property
    def added(self) -> set[tuple[str, str]]:
        """Return the new columns that no old code can write, under this or another name."""
        return {(op.table_name, op.column.name) for op in self._added()}

    def is_unknown(self, table: str, names: set[str]) -> bool:
        """Return True if these are new columns, and no value that old code writes determines theirs by a backfill."""
        added = [op for op in self._added() if op.table_name == table and op.column.name in names]
        filled = [op.column.name for op in added if is_required(op.column)]
        sources = [words(self.intents.backfills.get((table, name), "")) for name in filled]
        known = {key.name for key in self.before if key.kind == "column" and key.table == table}
        return bool(added) and known.isdisjoint(names.union(*sources))

    def _added(self) -> Iterator[ops.AddColumnOp]:
        for op in self.seen:
            if isinstance(op, ops.AddColumnOp) and not self.renamed_from(op.table_name, op.column.name):
                yield op


def words(sql: str) -> set[str]:
    """Return the names and keywords of SQL, without its texts."""
    return set(re.findall(r"[\w$]+", re.sub(r"'(?:[^']|'')*'", "", sql)))


def is_required(column: sa.Column[object]) -> bool:
    """Return True if a row needs a value from the code that writes it."""
    given = column.server_default is not None or column.computed is not None or column.identity is not None
    return not column.nullable and not given


def nullable(op: ops.AddColumnOp) -> ops.AddColumnOp:
    column = op.column._copy()
    column.nullable = True
    return ops.AddColumnOp(op.table_name, column, schema=op.schema)


def may_be_missing(op: ops.DropColumnOp) -> ops.AlterColumnOp:
    """Return the operation after which new code may leave the column out."""
    column = op.to_column()
    return ops.AlterColumnOp(
        op.table_name, op.column_name, existing_type=column.type, existing_nullable=False, modify_nullable=True
    )


def required(table: str, column: str, value: str = "") -> Iterator[Step]:
    yield Call(
        call("require_column", table, column, *[value] * bool(value)), call("undo_require_column", table, column)
    )
    yield Entry("not_null", table, column, value=value)


def split(op: ops.MigrateOperation) -> list[ops.MigrateOperation]:
    """Return a change of a column as one operation for each of its properties; any other operation as it is."""
    if not isinstance(op, ops.AlterColumnOp):
        return [op]
    modified: dict[str, object] = {
        "modify_type": op.modify_type,
        "modify_nullable": op.modify_nullable,
        "modify_server_default": op.modify_server_default,
        "modify_comment": op.modify_comment,
    }
    absent = {"modify_type": None, "modify_nullable": None, "modify_server_default": False, "modify_comment": False}
    return [_part(op, {name: value}) for name, value in modified.items() if value is not absent[name]]


def _part(op: ops.AlterColumnOp, modified: dict[str, object]) -> ops.AlterColumnOp:
    return ops.AlterColumnOp(
        op.table_name,
        op.column_name,
        schema=op.schema,
        existing_type=op.existing_type,
        existing_nullable=op.existing_nullable,
        existing_server_default=op.existing_server_default,
        existing_comment=op.existing_comment,
        **modified,  # pyrefly: ignore
    )


def bare_type(catalogue: Mapping[Key, str], table: str, column: str) -> str:
    """Return a column's type as PostgreSQL spells it."""
    return catalogue.get(Key("column", table, column), "").partition(" NOT NULL")[0]
