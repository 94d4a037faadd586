"""Required fields with two versions of the code on one PostgreSQL: old code does not know them, rows lack them."""

import asyncpg
import pytest
from sqlalchemy.exc import IntegrityError

from app.db.online import RowsBreakRule
from tests.support.small_service import SmallService
from tests.support.two_releases import NAME, changed, finished, products, refused
from toolkit.dev.migrations.intents import Intents


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
