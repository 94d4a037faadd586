"""Operations for changes that Alembic's autogenerate misses: CHECKs, defaults, and indexes beyond their columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alembic.operations import ops
from sqlalchemy import CheckConstraint, DefaultClause, MetaData, text
from sqlalchemy.dialects import postgresql

from toolkit.dev.migrations.catalogue import Difference, Key
from toolkit.dev.migrations.looser_checks import is_looser
from toolkit.dev.migrations.online_operations import Check, Online, ReplacedIndex, condition


def operations(
    metadata: MetaData, differences: Iterable[Difference]
) -> tuple[list[ops.MigrateOperation], list[Difference]]:
    """Return the operations that resolve the differences, and the differences without an operation."""
    found: list[ops.MigrateOperation] = []
    uncovered: list[Difference] = []
    for difference in differences:
        made = _operation(metadata, difference)
        if made is None:
            uncovered.append(difference)
        else:
            found.append(made)
    return found, uncovered


def dropped_checks(
    before: Mapping[Key, str], after: Mapping[Key, str], wanted: Mapping[Key, str]
) -> list[ops.MigrateOperation]:
    """Return CHECKs that PostgreSQL drops with their column or table, so that a downgrade restores them."""
    return [
        Check(key.name, key.table, None, condition(definition))
        for key, definition in before.items()
        if key.kind == "constraint" and key not in after and key not in wanted and condition(definition)
    ]


def _operation(metadata: MetaData, difference: Difference) -> ops.MigrateOperation | None:
    kind, table, name = difference.key
    model = metadata.tables.get(table)
    if model is None:
        return None
    if kind == "constraint" and all(condition(side) for side in _sides(difference)):
        both = (difference.wanted, difference.found)
        looser, tighter = (is_looser(*sides) for sides in (both, reversed(both)))
        written = conditions(metadata).get((table, name), condition(difference.wanted))
        after = written if difference.wanted else None
        return Check(name, table, after, condition(difference.found), looser=looser, tighter=tighter)
    if kind == "default" and name in model.columns:
        column = model.columns[name]
        return ops.AlterColumnOp(
            table,
            name,
            existing_type=column.type,
            existing_nullable=column.nullable,
            modify_server_default=_default(difference.wanted),
            existing_server_default=_default(difference.found),
        )
    index = next((index for index in model.indexes if index.name == name), None)
    if kind == "index" and index is not None:
        create = ops.CreateIndexOp.from_index(index)
        return ReplacedIndex(create, difference.found) if difference.found else Online(create)
    return None


def _default(expression: str | None) -> DefaultClause | None:
    return DefaultClause(text(expression)) if expression else None


def _sides(difference: Difference) -> list[str]:
    return [side for side in (difference.wanted, difference.found) if side]


def conditions(metadata: MetaData) -> dict[tuple[str, str], str]:
    """Return the condition of each CHECK as the model spells it, by table and name."""
    dialect = postgresql.dialect()
    return {
        (table.name, str(constraint.name)): str(
            constraint.sqltext.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
        )
        for table in metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
