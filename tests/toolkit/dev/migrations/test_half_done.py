"""Changes of a field while the code before its last change runs: what that code writes, and what it has to take."""

import asyncpg
import pytest
import sqlalchemy as sa
from alembic.operations import ops

from app.db.online import RowsBreakRule
from tests.support.small_service import SmallService
from tests.support.two_releases import changed, products
from toolkit.dev.migrations import expanding, half_done
from toolkit.dev.migrations.catalogue import Key
from toolkit.dev.migrations.change import Change
from toolkit.dev.migrations.intents import Intents
from toolkit.dev.migrations.online_operations import Check, Online, Widened
from toolkit.dev.migrations.outstanding import Entry

RENAMED = Entry("rename_column", "items", "note", to="remark", revision="r1")
KEY = sa.UniqueConstraint("remark", name="uq", _column_flag=False)
TABLE = sa.Table("items", sa.MetaData(), sa.Column("remark", sa.String(5)), KEY)


def altered(column: str = "remark", **modified: object) -> ops.AlterColumnOp:
    return ops.AlterColumnOp("items", column, existing_type=sa.String(5), **modified)  # pyrefly: ignore


@pytest.mark.parametrize(
    ("op", "waits"),
    [
        (Widened(altered(modify_type=sa.String(9))), True),
        (altered(modify_nullable=True), True),
        (altered(modify_server_default="x"), True),
        (Check("ck", "items", "remark IN ('a', 'b')", "remark = 'a'"), True),
        (Check("ck", "items", None, "remark = 'a'"), True),
        (ops.DropConstraintOp.from_constraint(KEY), True),
        (altered("name", modify_nullable=True), False),
        (Check("ck", "items", None, "name = 'remark'"), False),
        (Check("ck", "others", None, "remark = 'a'"), False),
        (Check("ck", "items", "remark = 'a'", None), False),
        (Online(ops.CreateIndexOp("ix", "items", ["remark"])), False),
        (ops.AddColumnOp("items", sa.Column("remark_2", sa.Text())), False),
    ],
    ids=[
        "wider",
        "optional",
        "another default",
        "looser",
        "no rule",
        "no longer unique",
        "another field",
        "a text with its name",
        "another table",
        "a new rule",
        "an index",
        "a longer name",
    ],
)
def test_a_renamed_field_stays_as_it_is_until_its_contract(op: ops.MigrateOperation, waits: bool) -> None:
    assert half_done.renames([RENAMED, Entry("drop_column", "items", "remark")], [op]) == [RENAMED] * waits


@pytest.mark.parametrize(
    ("names", "backfill", "nullable", "unknown"),
    [
        ({"size", "char_length"}, "", False, True),
        ({"size"}, "0", False, True),
        ({"size"}, "stock", False, False),
        ({"size"}, "'stock'", False, True),
        ({"size"}, "stock", True, True),  # no trigger: the backfill is for rows that exist
        ({"size", "stock"}, "", True, False),
        ({"stock"}, "", False, False),
    ],
)
def test_a_rule_for_columns_that_old_code_does_not_know_is_enforced_at_once(
    names: set[str], backfill: str, nullable: bool, unknown: bool
) -> None:
    added = ops.AddColumnOp("items", sa.Column("size", sa.Integer(), nullable=nullable))
    before = {Key("column", "items", "stock"): "integer", Key("column", "others", "size"): "integer"}
    change = Change.of(before, {}, Intents(backfills={("items", "size"): backfill} if backfill else {}), [added])
    steps = expanding._steps(change, Check("ck", "items", f"{' > '.join(names)} > 0", None))
    assert [getattr(step, "kind", "now") for step in steps] == ["now" if unknown else "check"]


FIELDS = (
    'sa.Column("{0}text", sa.String(5), server_default="old", nullable=False)',
    'sa.Column("{0}size", sa.Integer()), sa.CheckConstraint("{0}size > 9", name="{0}size")',
    'sa.Column("{0}code", sa.Text()), sa.UniqueConstraint("{0}code")',
    'sa.Column("{0}maker_id", sa.Uuid(), sa.ForeignKey("makers.id"))',
)
CHANGES = {
    "wider": FIELDS[0].replace("5", "9"),
    "optional": FIELDS[0].replace(", nullable=False", ""),
    "another default": FIELDS[0].replace("old", "new"),
    "looser": FIELDS[1].replace("> 9", "> 5"),
    "unlimited": FIELDS[1].partition(", sa.Check")[0],
    "no longer unique": FIELDS[2].partition(", sa.Unique")[0],
    "another action": FIELDS[3].replace('id")', 'id", ondelete="CASCADE")'),
}
MAKERS = "table('makers')\n"


def items(prefix: str, *fields: str) -> str:
    return MAKERS + products(*(field.format(prefix) for field in fields))


@pytest.mark.drill(minutes=2)
def test_what_a_trigger_copies_fits_the_old_rules_until_they_are_gone(service: SmallService) -> None:
    renames = {("products", name): f"new_{name}" for name in ("text", "size", "code", "maker_id")}
    changed(service, items("", *FIELDS), items("new_", *FIELDS), "INSERT INTO makers DEFAULT VALUES", Intents(renames))
    service.sql("ALTER TABLE products ALTER new_text TYPE varchar(9)")  # the control: a plain revision
    with pytest.raises(asyncpg.StringDataRightTruncationError, match=r"varying\(5\)"):
        service.sql("INSERT INTO products (new_text) VALUES ('longer')")
    service.sql("ALTER TABLE products ALTER new_text TYPE varchar(5)")
    for change in CHANGES.values():
        service.declare(items("new_", *(change if field[:20] == change[:20] else field for field in FIELDS)))
        with pytest.raises(SystemExit, match=r"old names .*\n  revision \w+: a later release drops products\.\w+,"):
            service.new()
    service.declare(items("new_", *FIELDS, 'sa.Column("colour", sa.Text())', 'sa.Index(None, "new_code", "id")'))
    assert service.new()  # any other change goes on
    service.upgrade()
    assert service.contract()
    service.upgrade()
    service.declare(items("new_", CHANGES["wider"], CHANGES["looser"], CHANGES["no longer unique"], FIELDS[3]))
    assert service.new()
    service.upgrade()
    service.sql("INSERT INTO products (new_text, new_size, new_code) VALUES ('longer', 6, 'a'), ('longer', 6, 'a')")


@pytest.mark.drill(minutes=1)
def test_a_rule_for_a_value_that_old_code_determines_waits_for_the_contract(service: SmallService) -> None:
    stock, size = (f'sa.Column("{name}", sa.Integer(), nullable=False)' for name in ("stock", "size"))
    low = 'sa.Column("low", sa.Integer(), server_default="0", nullable=False)'
    changed(
        service,
        products(stock),
        products(
            stock,
            size,
            low,
            'sa.CheckConstraint("size >= 10", name="a")',
            'sa.CheckConstraint("low < stock", name="b")',
        ),
        "INSERT INTO products (stock) VALUES (10)",
        Intents(backfills={("products", "size"): "stock"}),
    )
    service.sql("INSERT INTO products (stock) VALUES (-3)")  # as before
    assert service.contract()
    with pytest.raises(RowsBreakRule, match="1 row of products breaks"):
        service.upgrade()
    service.sql("UPDATE products SET stock = 10, size = 10")
    service.upgrade()
    assert service.differences() == []
