"""Renamed fields and resources with two versions of the code on one PostgreSQL: both names work until the contract."""

import re

import asyncpg
import pytest

from tests.support.small_service import SmallService
from tests.support.two_releases import NAME, changed, finished, products
from toolkit.dev.migrations.intents import Intents

RENAMED = {"name": "title", "count": "stock", "note": "remark", "total": "amount"}


def test_both_names_of_a_renamed_field_work(service: SmallService) -> None:
    changed(
        service,
        products(
            NAME,
            'sa.Column("count", sa.Integer(), server_default="0", nullable=False)',
            'sa.Column("note", sa.Text())',
            'sa.Column("total", sa.Integer(), nullable=False)',
            'sa.UniqueConstraint("name")',
            'sa.CheckConstraint("char_length(name) >= 2", name="name")',
            'sa.CheckConstraint("total > 0", name="total")',
            'sa.Index(None, "total", "id")',
        ),
        products(
            'sa.Column("title", sa.Text(), nullable=False)',
            'sa.Column("stock", sa.Integer(), server_default="0", nullable=False)',
            'sa.Column("remark", sa.Text())',
            'sa.Column("amount", sa.BigInteger(), nullable=False)',
            'sa.UniqueConstraint("title")',
            'sa.CheckConstraint("char_length(title) >= 2", name="title")',
            'sa.CheckConstraint("amount > 0", name="amount")',
            'sa.Index(None, "amount", "id")',
        ),
        "INSERT INTO products (name, count, note, total) VALUES ('first', 1, 'a:b', 5), ('second', DEFAULT, NULL, 6)",
        Intents({("products", old): new for old, new in RENAMED.items()}),
    )
    old, new = (f"SELECT {', '.join(names)} FROM products ORDER BY 1" for names in (RENAMED, RENAMED.values()))
    assert service.sql(old) == service.sql(new) == [("first", 1, "a:b", 5), ("second", 0, None, 6)]
    service.sql("INSERT INTO products (name, count, note, total) VALUES ('old', 3, NULL, 7)")
    service.sql("INSERT INTO products (title, stock, remark, amount) VALUES ('new', 4, 'x', 8)")
    service.sql("INSERT INTO products (title, amount) VALUES ('defaults', 9)")
    service.sql("UPDATE products SET count = 30, note = 'y' WHERE name = 'old'")
    service.sql("UPDATE products SET stock = 40, remark = NULL, title = 'newer' WHERE title = 'new'")
    service.sql("UPDATE products SET count = DEFAULT WHERE title = 'first'")
    expected = [
        ("defaults", 0, None, 9),
        ("first", 0, "a:b", 5),
        ("newer", 40, None, 8),
        ("old", 30, "y", 7),
        ("second", 0, None, 6),
    ]
    assert service.sql(old) == service.sql(new) == expected
    service.sql("UPDATE products SET amount = 3000000000 WHERE title = 'old'")
    service.sql("UPDATE products SET remark = 'z' WHERE title = 'old'")
    assert service.sql("SELECT total, amount, note FROM products WHERE name = 'old'") == [(None, 3000000000, "z")]
    with pytest.raises(asyncpg.UniqueViolationError):
        service.sql("INSERT INTO products (title, amount) VALUES ('old', 9)")
    with pytest.raises(asyncpg.NotNullViolationError):
        service.sql("INSERT INTO products (amount) VALUES (9)")
    service.sql("DELETE FROM products WHERE amount > 10")
    finished(service)


def test_null_of_new_code_stays_null_after_a_backfill(service: SmallService) -> None:
    old, new = ('sa.Column("{}", sa.{}())'.format(*parts) for parts in (("size", "Text"), ("length", "Integer")))
    changed(
        service,
        products(NAME, old),
        products(NAME, new),
        "INSERT INTO products (name, size) VALUES ('lamp', '7'), ('chair', NULL)",
        Intents({("products", "size"): "length"}, backfills={("products", "length"): "coalesce(size, '3')::integer"}),
    )
    service.sql("INSERT INTO products (name, length) VALUES ('new', 5), ('null', NULL)")
    service.sql("INSERT INTO products (name, size) VALUES ('old', '4')")
    service.sql("UPDATE products SET length = NULL WHERE name = 'lamp'")
    service.sql("UPDATE products SET name = name || '.'")
    assert service.sql("SELECT name, length, size FROM products ORDER BY name") == [
        ("chair.", 3, None),
        ("lamp.", None, None),
        ("new.", 5, "5"),
        ("null.", None, None),
        ("old.", 4, "4"),
    ]


@pytest.mark.drill(minutes=1)
def test_names_that_postgresql_would_cut_stay_apart(service: SmallService) -> None:
    long = "a_name_of_a_column_that_has_fifty_characters_here"
    before = [f'sa.Column("{long}{n}", sa.String(9), nullable=False)' for n in (1, 2)]
    after = [f'sa.Column("{long}{n}", sa.String(5), nullable=False)' for n in (3, 4)]
    required = [f'sa.Column("{long}{n}", sa.Integer(), nullable=False)' for n in (5, 6)]
    changed(
        service,
        products(*before),
        products(*(column.replace("5)", "9)") for column in after), *required),
        f"INSERT INTO products ({long}1, {long}2) VALUES ('one', 'two')",
        Intents(
            {("products", f"{long}{n}"): f"{long}{n + 2}" for n in (1, 2)},
            backfills={("products", f"{long}{n}"): str(n) for n in (5, 6)},
        ),
    )
    service.sql(f"INSERT INTO products ({long}1, {long}2) VALUES ('old', 'code')")
    rows = [("old", "code", 5, 6), ("one", "two", 5, 6)]
    assert service.sql(f"SELECT {', '.join(f'{long}{n}' for n in (3, 4, 5, 6))} FROM products ORDER BY 1") == rows
    assert service.contract()
    service.upgrade()
    assert service.differences() == []
    service.declare(products(*after, *required))
    assert service.new()
    service.upgrade()
    assert service.contract()
    service.upgrade()
    assert service.differences() == []
    assert service.new() is None


@pytest.mark.drill(minutes=1)
def test_a_forgotten_trigger_or_view_is_a_difference(service: SmallService) -> None:
    renamed = products('sa.Column("title", sa.Text(), nullable=False)')
    changed(service, products(NAME), renamed, "SELECT 1", Intents({("products", "name"): "title"}))
    contract = service.contract()
    assert contract
    contract.write_text(re.sub("    expand.drop_trigger.*", "    pass", contract.read_text(), count=1))
    service.upgrade()
    function, trigger = service.differences()
    assert function.startswith("function expand__products__name__title: the models say nothing")
    assert trigger.startswith("trigger expand__name__title of products: the models say nothing")
    service.sql("DROP FUNCTION expand__products__name__title CASCADE")

    service.declare(renamed.replace("'products'", "'lamps'"))
    assert service.new(Intents(renamed_tables={"products": "lamps"}))
    service.upgrade()
    assert service.differences() == []
    contract = service.contract()
    assert contract
    contract.write_text(contract.read_text().replace('expand.drop_view("products")', "pass"))
    service.upgrade()
    [view] = service.differences()
    assert view.startswith("view products: the models say nothing")


@pytest.mark.drill(minutes=1)
def test_a_renamed_resource_is_widened_before_its_contract(service: SmallService) -> None:
    before = products('sa.Column("name", sa.String(20), nullable=False)')
    changed(
        service, before, before.replace("products", "lamps"), "SELECT 1", Intents(renamed_tables={"products": "lamps"})
    )
    wider = 'sa.Column("name", sa.String(40), nullable=False)'
    service.declare(products(wider).replace("products", "lamps"))
    assert service.new()
    service.upgrade()
    assert service.differences() == []
    service.sql(f"INSERT INTO products (name) VALUES ('{'x' * 40}')")
    service.sql("DELETE FROM lamps")
    service.downgrade("-1")
    service.upgrade()
    finished(service, "lamps")


NAMES = """
SELECT conname FROM pg_constraint WHERE conrelid = 'lamps'::regclass AND contype <> 'n'
UNION SELECT indexname FROM pg_indexes WHERE tablename = 'lamps'
"""


def test_what_only_old_code_knows_has_the_name_of_the_new_table(service: SmallService) -> None:
    """The service's own tests require the convention, and run before the contract, too."""
    old = ('sa.Column("size", sa.Integer())', 'sa.CheckConstraint("size > 0", name="size")', 'sa.Index(None, "size")')
    after = products(NAME).replace("products", "lamps")
    changed(service, products(NAME, *old), after, "SELECT 1", Intents(renamed_tables={"products": "lamps"}))
    names = {str(name) for (name,) in service.sql(NAMES)}
    assert names >= {"pk_lamps", "ck_lamps_size", "ix_lamps_size"}
    assert all("_lamps" in name for name in names), names
    service.downgrade("-1")
    service.upgrade()
    finished(service, "lamps")


def test_the_view_of_a_renamed_resource_has_the_privileges_of_its_table(service: SmallService) -> None:
    before = products(NAME, 'sa.Column("size", sa.Integer())', 'sa.Column("hidden", sa.Integer())')
    privileges = (
        "CREATE ROLE reader",
        "CREATE ROLE writer",
        "GRANT SELECT (id, name) ON products TO reader",
        "GRANT SELECT, INSERT, UPDATE ON products TO writer",
    )
    service.declare(before + before.replace("products", "orders"))
    assert service.new()
    service.upgrade()
    for statement in privileges:
        service.sql(statement)
        service.sql(statement.replace("products", "orders") if "ON" in statement else "SELECT 1")
    service.sql("ALTER TABLE orders ENABLE ROW LEVEL SECURITY")
    service.sql("CREATE POLICY shown ON orders USING (size > 0) WITH CHECK (true)")
    service.declare(before.replace("products", "lamps") + before.replace("products", "repairs"))
    assert service.new(Intents(renamed_tables={"products": "lamps", "orders": "repairs"}))
    service.upgrade()
    for table in ("products", "orders"):
        service.sql(f"INSERT INTO {table} (name, size) VALUES ('shown', 2), ('hidden', 0)", "writer")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            service.sql(f"DELETE FROM {table}", "writer")
    assert service.sql("SELECT name FROM products ORDER BY 1", "reader") == [("hidden",), ("shown",)]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        service.sql("SELECT hidden FROM products", "reader")
    assert service.sql("SELECT name FROM orders", "writer") == [("shown",)]


@pytest.mark.drill(minutes=1)
def test_both_names_of_a_renamed_resource_work_and_a_removed_one_stays(service: SmallService) -> None:
    reference = 'sa.Column("{0}_id", sa.Uuid(), sa.ForeignKey("{1}.id"), nullable=False), sa.Index(None, "{0}_id")'
    changed(
        service,
        products(NAME, 'sa.UniqueConstraint("name")', 'sa.Index(None, "name", "id")')
        + f"table('reviews', {reference.format('product', 'products')})\n"
        + "table('extras', sa.Column('size', sa.Integer()), sa.Index(None, 'size'))\n",
        f"table('lamps', {NAME}, sa.Column('size', sa.Integer()), sa.UniqueConstraint('name'), "
        'sa.Index(None, "name", "id"))\n' + f"table('reviews', {reference.format('product', 'lamps')})\n",
        "INSERT INTO products (name) VALUES ('first')",
        Intents(renamed_tables={"products": "lamps"}),
    )
    service.sql("INSERT INTO products (name) VALUES ('old')")
    service.sql("INSERT INTO lamps (name, size) VALUES ('new', 3)")
    service.sql("UPDATE products SET name = 'old, changed' WHERE name = 'old'")
    service.sql("DELETE FROM products WHERE name = 'first'")
    service.sql("INSERT INTO reviews (product_id) SELECT id FROM products")
    service.sql("INSERT INTO extras (size) VALUES (1)")
    assert service.sql("SELECT name FROM products ORDER BY 1") == service.sql("SELECT name FROM lamps ORDER BY 1")
    assert service.sql("SELECT count(*) FROM lamps") == [(2,)]
    finished(service, "lamps")
    assert service.sql("SELECT to_regclass('products'), to_regclass('extras')") == [(None, None)]
