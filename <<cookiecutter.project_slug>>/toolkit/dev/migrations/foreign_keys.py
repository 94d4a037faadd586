"""Foreign keys that a changed line replaces, such as `ref(x)` by `ref(x, cascade)`. Pure.

Alembic first drops all and then creates all. A table would lack the second one while the first is validated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alembic.operations import ops

# In the `info` of an operation that creates a foreign key in place of another one.
REPLACES = "replaces a foreign key"


def in_pairs(operations: Sequence[ops.MigrateOperation]) -> Iterator[ops.MigrateOperation]:
    """Yield the operations; a foreign key is dropped right before its replacement, which is marked."""
    dropped = {_key(op): op for op in operations if isinstance(op, ops.DropConstraintOp)}
    replaced = {_key(op) for op in operations if isinstance(op, ops.CreateForeignKeyOp)} & set(dropped)
    for op in operations:
        if isinstance(op, ops.CreateForeignKeyOp) and _key(op) in replaced:
            op.info[REPLACES] = True
            yield dropped[_key(op)]
        if not isinstance(op, ops.DropConstraintOp) or _key(op) not in replaced:
            yield op


def _key(op: ops.CreateForeignKeyOp | ops.DropConstraintOp) -> tuple[str, str]:
    """Return table and name. The name has the columns and the other table, so the same name is the same reference."""
    table = op.source_table if isinstance(op, ops.CreateForeignKeyOp) else op.table_name
    return table, str(op.constraint_name)
