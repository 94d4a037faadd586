"""Foreign keys of changed lines: a replaced one is missing for no moment, and one that old code could break waits."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import render_op
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext

from toolkit.deploy.breaking_changes import reasons_in
from toolkit.dev.migrations import expanding
from toolkit.dev.migrations.catalogue import Key
from toolkit.dev.migrations.change import Change
from toolkit.dev.migrations.intents import Intents
from toolkit.dev.migrations.online_operations import flat, online

FOREIGN_KEY = "ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY(customer_id) REFERENCES customers (id) NOT VALID"


def key(column: str, action: str | None = None) -> ops.CreateForeignKeyOp:
    return ops.CreateForeignKeyOp(f"fk_orders_{column}", "orders", "customers", [column], ["id"], ondelete=action)


def changed(column: str, action: str) -> tuple[ops.DropConstraintOp, ops.CreateForeignKeyOp]:
    """As Alembic's autogenerate has them: the drop knows what it drops."""
    return ops.DropConstraintOp.from_constraint(key(column).to_constraint()), key(column, action)


def rendered(operations: list[ops.MigrateOperation]) -> list[str]:
    context = MigrationContext.configure(dialect_name="postgresql")
    options = {"alembic_module_prefix": "op.", "sqlalchemy_module_prefix": "sa.", "render_as_batch": False}
    autogenerate = AutogenContext(context, sa.MetaData(), {**options, "user_module_prefix": None})
    return ["".join(render_op(autogenerate, op)) for op in operations]


def test_each_foreign_key_is_dropped_right_before_its_replacement() -> None:
    (drop_a, create_a), (drop_b, create_b) = changed("a_id", "CASCADE"), changed("b_id", "SET NULL")
    gone = ops.DropConstraintOp("fk_orders_c_id", "orders", type_="foreignkey")
    other = ops.DropConstraintOp("fk_orders_a_id", "invoices", type_="foreignkey")
    table = ops.ModifyTableOps("orders", [drop_a, drop_b, gone, create_a, create_b])
    assert list(flat([table, other])) == [gone, drop_a, create_a, drop_b, create_b, other]


def test_operations_that_alembic_takes_from_sets_are_in_the_order_of_names() -> None:
    """Else the revision and the outstanding steps of the same change differ between two runs."""
    columns = [ops.DropColumnOp("orders", name) for name in ("b", "a")]
    keys = [key("b_id"), key("a_id")]
    gone = [ops.DropConstraintOp(f"fk_orders_{name}", "orders", type_="foreignkey") for name in ("d", "c")]
    added = [ops.AddColumnOp("orders", sa.Column(name)) for name in ("z", "y")]  # in the order of the fields
    found = list(flat([ops.ModifyTableOps("orders", [*added, *columns, *gone, *keys])]))
    assert found == [*added, *reversed(columns), *reversed(gone), *reversed(keys)]


def test_the_new_one_is_marked_as_no_new_rule_for_rows() -> None:
    drop, create = changed("a_id", "CASCADE")
    table = ops.ModifyTableOps("orders", [drop, create, key("new_id")])
    _, replaced, new = rendered([online(op) for op in flat([table])])
    assert "online.create_foreign_key(" in replaced
    assert "ondelete='CASCADE', looser=True)" in replaced
    assert "looser" not in new


def test_a_deploy_takes_a_marked_one_for_additive() -> None:
    assert reasons_in(FOREIGN_KEY)
    assert not reasons_in(f"{FOREIGN_KEY} /* looser */")


def of_a(column: str) -> dict[Key, str]:
    """The catalogue's foreign key of a column."""
    definition = f"FOREIGN KEY ({column}) REFERENCES customers(id) ON DELETE CASCADE"
    return {Key("constraint", "orders", f"fk_orders_{column}"): definition}


def column(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid())


@pytest.mark.parametrize(
    ("before", "seen", "renamed", "waits"),
    [
        ({}, [], {}, True),
        ({}, [ops.AddColumnOp("orders", column("a_id"))], {}, False),
        ({}, [ops.AddColumnOp("orders", column("a_id")), ops.DropColumnOp("orders", "b")], {"b": "a_id"}, True),
        (
            of_a("b_id"),
            [ops.AddColumnOp("orders", column("a_id")), ops.DropColumnOp("orders", "b_id")],
            {"b_id": "a_id"},
            False,
        ),
    ],
    ids=["a column that old code writes", "a new one", "a renamed one", "a renamed reference"],
)
def test_a_reference_that_old_code_could_break_is_for_a_later_release(
    before: dict[Key, str], seen: list[ops.MigrateOperation], renamed: dict[str, str], waits: bool
) -> None:
    intents = Intents(renamed_columns={("orders", old): new for old, new in renamed.items()})
    change = Change.of(before, of_a("a_id"), intents, [*seen, key("a_id")])
    found = list(expanding._steps(change, key("a_id")))
    assert [getattr(step, "kind", "now") for step in found] == (["foreign_key"] if waits else ["now"])
