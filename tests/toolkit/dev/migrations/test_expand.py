"""Removed fields and rules with two versions of the code on one PostgreSQL: expand, then contract."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import pytest

from app.db.online import RowsBreakRule
from tests.support.running import PATIENCE
from tests.support.small_service import SmallService
from tests.support.two_releases import NAME, changed, finished, products
from toolkit.dev.migrations import outstanding
from toolkit.dev.migrations.intents import Intents


def test_a_removed_field_stays_until_the_contract(service: SmallService) -> None:
    legacy = 'sa.Column("legacy", sa.Integer(), nullable=False)'
    changed(
        service,
        products(NAME, legacy, 'sa.UniqueConstraint("legacy")', 'sa.CheckConstraint("legacy > 0", name="legacy")'),
        products(NAME),
        "INSERT INTO products (name, legacy) VALUES ('lamp', 1)",
    )
    [entry] = outstanding.read(service.root)
    assert (entry.kind, entry.table, entry.column) == ("drop_column", "products", "legacy")
    service.sql("INSERT INTO products (name) VALUES ('new code'), ('again')")
    service.sql("INSERT INTO products (name, legacy) VALUES ('old code', 2)")
    assert service.sql("SELECT legacy FROM products ORDER BY legacy") == [(1,), (2,), (None,), (None,)]
    finished(service)


@contextmanager
def written_while_counted(service: SmallService, statement: str) -> Iterator[None]:
    """Write in a transaction that ends once the revision waits for its lock: the count has not seen it."""
    ready = threading.Event()

    async def write() -> None:
        connection = await asyncpg.connect(service.url)
        watching = await asyncpg.connect(service.url)
        async with connection.transaction():
            await connection.execute(statement)
            ready.set()
            while not await watching.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await connection.close()
        await watching.close()

    writing = threading.Thread(target=lambda: asyncio.run(write()), daemon=True)
    writing.start()
    assert ready.wait(PATIENCE)
    yield
    writing.join(PATIENCE)
    assert not writing.is_alive()


@pytest.mark.drill(minutes=1)
def test_a_rule_that_is_broken_after_the_count_leaves_no_invalid_constraint(service: SmallService) -> None:
    price = 'sa.Column("price", sa.Integer()), sa.CheckConstraint("price > {}", name="price")'
    changed(service, products(NAME, price.format(0)), products(NAME, price.format(5)), "SELECT 1")
    assert service.contract()
    late = "INSERT INTO products (name, price) VALUES ('late', 1)"
    with (
        written_while_counted(service, late),
        pytest.raises(RowsBreakRule, match="1 row of products breaks ck_products_price"),
    ):
        service.upgrade()
    assert service.sql(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'products'::regclass AND contype = 'c'"
    ) == [("CHECK ((price > 0))",)]
    service.sql("UPDATE products SET price = price + 1")  # as the code that runs still may
    service.sql("UPDATE products SET price = 6")
    service.upgrade()
    assert service.differences() == []

    unique = 'sa.UniqueConstraint("name", "price")'
    service.declare(products(NAME, price.format(5), unique))
    path = service.new()
    assert path
    assert service.judged(path) == ("", [])  # code of any version answers 409 for a duplicate
    with (
        written_while_counted(service, "INSERT INTO products (name, price) VALUES ('late', 6)"),
        pytest.raises(RowsBreakRule, match=r"1 duplicate value of \(name, price\)"),
    ):
        service.upgrade()
    assert service.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]
    service.sql("INSERT INTO products (name, price) VALUES ('late', 6)")


@pytest.mark.drill(minutes=1)
def test_a_tighter_rule_waits_for_the_contract(service: SmallService) -> None:
    status = 'sa.Column("status", sa.String({}), nullable=False{}), sa.CheckConstraint("status IN ({})", name="status")'
    price = 'sa.Column("price", sa.Numeric({}, 2)), sa.CheckConstraint("price > {}", name="price")'
    long = "sa.CheckConstraint('char_length(name) > 1', name='name')"
    changed(
        service,
        products(NAME, status.format(8, ', server_default="new"', "'new', 'refunded'"), price.format(8, 0)),
        products(NAME, status.format(3, "", "'new', 'old'"), price.format(5, 10), long),
        "INSERT INTO products (name, status, price) VALUES ('a lamp', 'refunded', 11)",
        Intents(value_maps={("products", "status"): {"refunded": "new"}}),
    )
    service.sql("INSERT INTO products (name, price) VALUES ('x', 1), ('xy', 1000)")
    path = service.contract()
    assert path
    with pytest.raises(
        RowsBreakRule, match=r"rows? of products breaks? ck_products_\w+ .*, which was not created: id "
    ):
        service.upgrade()
    service.sql("UPDATE products SET price = price + 1 WHERE name = 'xy'")  # as old code may, until it is corrected
    service.sql("UPDATE products SET name = 'lamp', price = 12")
    service.upgrade()
    assert service.differences() == []
    assert service.sql("SELECT DISTINCT status, price FROM products") == [("new", 12)]
    with pytest.raises(asyncpg.CheckViolationError, match="ck_products_price__type"):
        service.sql("UPDATE products SET price = 1000")

    service.declare(products(NAME, status.format(6, "", "'new', 'former'"), price.format(8, 10), long))
    assert service.new()
    service.upgrade()
    assert service.differences() == []
    service.sql("UPDATE products SET price = 1000")
    service.sql("DELETE FROM products")
    service.downgrade("base")
    service.upgrade()


@pytest.mark.drill(minutes=1)
def test_a_rule_that_is_taken_back_is_no_longer_outstanding(service: SmallService) -> None:
    price = 'sa.Column("price", sa.Integer()), sa.CheckConstraint("price > {}", name="price")'
    changed(service, products(price.format(0)), products(price.format(5)), "SELECT 1")
    assert [entry.name for entry in outstanding.read(service.root)] == ["ck_products_price"]
    service.declare(products(price.format(0)))
    assert service.new() is None
    assert outstanding.read(service.root) == ()
