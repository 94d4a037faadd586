"""Changes of the models with two versions of the code on one PostgreSQL: expand, then contract."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.exc import IntegrityError

from app.db.online import RowsBreakRule
from tests.support.running import PATIENCE
from tests.support.small_service import SmallService
from toolkit.dev.migrations import outstanding
from toolkit.dev.migrations.intents import NONE, Intents
from toolkit.dev.postgres import run as postgres


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SmallService]:
    with postgres.scratch() as url:
        yield SmallService(tmp_path, url)


def products(*columns: str) -> str:
    return f"table('products', {', '.join(columns)})\n"


RENAMED = {"name": "title", "count": "stock", "note": "remark", "total": "amount"}
NAME = 'sa.Column("name", sa.Text(), nullable=False)'


def changed(service: SmallService, before: str, after: str, rows: str, intents: Intents = NONE) -> None:
    """Release the models `before`, write `rows`, and release the expand revision of the models `after`."""
    service.declare(before)
    assert service.new()
    service.upgrade()
    service.sql(rows)
    service.declare(after)
    path = service.new(intents)
    assert path
    findings, reasons = service.judged(path)
    assert not findings + "".join(reasons), path.read_text()
    service.upgrade()
    assert service.differences() == []
    assert service.new() is None  # nothing is left that a second revision would do


def finished(service: SmallService, table: str = "products") -> None:
    """Release the contract revision, go down and up again."""
    ids = {entry.revision for entry in outstanding.read(service.root)}
    path = service.contract()
    assert path
    assert path.read_text().startswith(f"# deploy: contract {', '.join(ids)}\n")
    assert outstanding.read(service.root) == ()
    service.upgrade()
    assert service.differences() == []
    assert service.new() is None
    service.downgrade("-1")
    service.upgrade()
    assert service.differences() == []
    service.sql(f"TRUNCATE {table} CASCADE")  # a row without a value for a dropped field has no way back
    service.downgrade("base")
    service.upgrade()
    assert service.differences() == []


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


@pytest.mark.drill(minutes=1)
def test_a_new_required_field_is_filled_for_old_code(service: SmallService) -> None:
    optional, required = (f'sa.Column("size", sa.Text(){rest})' for rest in ("", ", nullable=False"))
    service.declare(products(NAME, optional))
    with pytest.raises(SystemExit, match=r"products.length is required .* --backfill products.length=SQL"):
        refused(service, products(NAME, required, 'sa.Column("length", sa.Integer(), nullable=False)'))
    changed(
        service,
        products(NAME, optional),
        products(NAME, required, 'sa.Column("length", sa.Integer(), nullable=False)'),
        "INSERT INTO products (name, size) SELECT 'name ' || n, nullif(n % 2, 0)::text FROM generate_series(1, 2500) n",
        Intents(backfills={("products", "length"): "char_length(products.name)", ("products", "size"): "'M'"}),
    )
    assert service.sql("SELECT count(*) FROM products WHERE length = char_length(name) AND size IN ('1', 'M')") == [
        (2500,)
    ]
    service.sql("INSERT INTO products (name) VALUES ('old')")
    service.sql("INSERT INTO products (name, length, size) VALUES ('new', 7, 'L')")
    service.sql("UPDATE products SET size = NULL WHERE name = 'new'")
    assert service.sql("SELECT name, length, size FROM products WHERE name IN ('old', 'new') ORDER BY 1") == [
        ("new", 7, "M"),
        ("old", 3, "M"),
    ]
    finished(service)
    with pytest.raises(asyncpg.NotNullViolationError):
        service.sql("INSERT INTO products (name) VALUES ('x')")


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


def refused(service: SmallService, models: str) -> None:
    service.new()
    service.declare(models)
    versions = sorted((service.root / "alembic" / "versions").iterdir())
    try:
        service.new()
    finally:
        assert sorted((service.root / "alembic" / "versions").iterdir()) == versions
        for path in versions:
            path.unlink()


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


def test_rows_without_a_value_are_counted_and_code_that_runs_can_still_write_them(
    service: SmallService, capsys: pytest.CaptureFixture[str]
) -> None:
    service.declare(products(NAME))
    service.new()
    service.upgrade()
    service.sql("INSERT INTO products (name) VALUES ('5'), (''), ('')")
    service.declare(products(NAME, 'sa.Column("length", sa.Integer(), nullable=False)'))
    assert service.new(Intents(backfills={("products", "length"): "nullif(name, '')::integer"}))
    with pytest.raises(RowsBreakRule, match=r"2 rows of products break ck_products_length__not_null .* id \S+; \S+$"):
        service.upgrade()
    service.sql("UPDATE products SET name = '1' WHERE name = ''")
    service.upgrade()
    assert "migrate: products: 3 rows changed in " in capsys.readouterr().err
    assert service.new() is None
    assert "rows changed" not in capsys.readouterr().err  # of the backfill in the temporary database
    assert service.sql("SELECT length FROM products ORDER BY 1") == [(1,), (1,), (5,)]


@pytest.mark.drill(minutes=1)
def test_an_interrupted_backfill_continues_with_the_other_rows(service: SmallService) -> None:
    service.declare(products(NAME))
    service.new()
    service.upgrade()
    service.sql(
        "INSERT INTO products (id, name) SELECT lpad(n::text, 32, '0')::uuid, n FROM generate_series(1, 3500) n"
    )
    service.sql("ALTER TABLE products ADD CONSTRAINT stops CHECK (name <> '2500') NOT VALID")
    service.declare(products(NAME, 'sa.Column("size", sa.Integer(), nullable=False)'))
    assert service.new(Intents(backfills={("products", "size"): "name::integer"}))
    with pytest.raises(IntegrityError, match="stops"):
        service.upgrade()
    done = "SELECT count(*), max(xmin::text::bigint) FROM products WHERE size = name::integer AND size <= 2000"
    [(count, transaction)] = service.sql(done)
    assert count == 2000
    service.sql("ALTER TABLE products DROP CONSTRAINT stops")
    service.sql("INSERT INTO products (name) VALUES ('9999')")  # by code that runs meanwhile
    service.upgrade()
    assert service.sql(done) == [(2000, transaction)]
    assert service.sql("SELECT count(*) FROM products WHERE size = name::integer") == [(3501,)]


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
def test_a_rule_that_is_taken_back_is_no_longer_outstanding(service: SmallService) -> None:
    price = 'sa.Column("price", sa.Integer()), sa.CheckConstraint("price > {}", name="price")'
    changed(service, products(price.format(0)), products(price.format(5)), "SELECT 1")
    assert [entry.name for entry in outstanding.read(service.root)] == ["ck_products_price"]
    service.declare(products(price.format(0)))
    assert service.new() is None
    assert outstanding.read(service.root) == ()


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
