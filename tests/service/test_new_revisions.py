"""Generated revisions: all that a changed line or model asks for, up and down, on tables with rows."""

import decimal
import re
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from tests.support.bakery import Bakery
from tests.support.revising import ORDER, Task, head, one_line, sql, styled, versions

CHANGED = (
    "order: status:enum(new|paid|refunded) amount:decimal(10,2)>=1 "
    'sku:str(1..20)="x" code:str(2..9)?! product:ref(product)?'
)


@pytest.mark.drill
def test_two_resources_at_once_both_get_their_line_and_one_chain(
    bakery: Bakery, task: Task, service: Path, url: str
) -> None:
    task("--list")
    command = [sys.executable, "tasks.py", "resource.add"]
    both = [
        subprocess.Popen([*command, line], cwd=service, env=bakery.environment, stdout=subprocess.DEVNULL)
        for line in (ORDER, "lamp: size:int")
    ]
    assert [one.wait() for one in both] == [0, 0]
    declared = (service / "service.toml").read_text()
    assert ORDER in declared
    assert "lamp: size:int" in declared
    assert task("migrate", DATABASE_URL=url).returncode == 0
    assert sql(url, "SELECT to_regclass('orders') IS NULL, to_regclass('lamps') IS NULL") == [(False, False)]


@pytest.mark.drill
def test_a_changed_line_gets_all_of_its_rules(task: Task, service: Path, bakery: Bakery, url: str) -> None:
    assert task("resource.add", ORDER).returncode == 0
    assert task("migrate", DATABASE_URL=url).returncode == 0
    sql(url, "INSERT INTO orders (id, status, amount) VALUES (gen_random_uuid(), 'new', 0.5)")
    declared = service / "service.toml"
    declared.write_text(declared.read_text().replace(f'"{ORDER}"', f"'{CHANGED}'"))
    added = task("resource.add", CHANGED)
    assert added.returncode == 0, added.stdout + added.stderr
    # Only the bound of the amount is tighter: code that still runs may write less.
    assert added.stderr.count("Note:") == 1
    assert "migrate.contract` enforces ck_orders_amount" in added.stderr

    drift = [str(service / ".venv" / "bin" / "python"), "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider"]
    drift += ["tests/integration/test_migrations.py", "-k", "stairway or what_the_models_say"]
    passed = subprocess.run(drift, cwd=service, capture_output=True, text=True, check=False)
    assert passed.returncode == 0, passed.stdout
    linted = task("migrate.lint")
    assert linted.returncode == 0, linted.stdout
    assert styled(bakery, service)
    judged = "from pathlib import Path; from toolkit.deploy import migrations as revisions; " + (
        f"print(revisions.pending(Path('.'), {_before(service)!r}, {head(service)!r}).revisions[0].reasons)"
    )
    python = [str(service / ".venv" / "bin" / "python"), "-c", judged]
    reasons = subprocess.run(python, cwd=service, capture_output=True, text=True, check=True).stdout
    assert reasons.strip() in ("[]", "()")

    expanded = versions(service)[-1]
    assert task("migrate", DATABASE_URL=url).returncode == 0
    assert sql(url, "SELECT sku, amount FROM orders") == [("x", decimal.Decimal("0.50"))]
    assert task("migrate.contract").returncode == 0
    broken = "1 row of orders breaks ck_orders_amount"
    one_line(task("migrate", DATABASE_URL=url), broken, "not created: id ", "Correct those rows, then migrate again.")
    sql(url, "UPDATE orders SET status = 'paid'")  # a CHECK that is not valid would refuse it
    sql(url, "UPDATE orders SET amount = 3")
    assert task("migrate", DATABASE_URL=url).returncode == 0
    sql(url, "UPDATE orders SET status = 'refunded', amount = 1, code = 'ab'")
    for column, value in (("status", "lost"), ("amount", "0.5"), ("sku", ""), ("code", "a")):
        with pytest.raises(asyncpg.CheckViolationError, match=f"ck_orders_{column}"):
            sql(url, f"UPDATE orders SET {column} = '{value}'")  # noqa: S608

    # The control: without one of its rules, the drift test is red.
    rule = r"\n.*op\.f\(\"ck_orders_sku\"\), \"orders\", \"char_length.*"
    expanded.write_text(re.sub(rule, "", expanded.read_text()))
    red = subprocess.run(drift, cwd=service, capture_output=True, text=True, check=False)
    assert red.returncode == 1
    assert "constraint ck_orders_sku of orders" in red.stdout


@pytest.mark.drill
def test_what_alembic_does_not_see_goes_up_and_down(task: Task, service: Path) -> None:
    model = service / "app" / "models" / "product.py"
    added = model.read_text().replace(
        "__table_args__ = (",
        '__table_args__ = (\n        sa.Index("ix_cheap", "id", postgresql_where=sa.text("stock > 5")),',
    )
    model.write_text(added)
    assert task("migrate.new", "cheap").returncode == 0
    assert "online.create_index_concurrently" in versions(service)[-1].read_text()
    changed = added.replace("stock > 5", "stock > 6").replace('server_default="0"', 'server_default="1"')
    changed = re.sub(r"    price: .*\n|.*CheckConstraint\(.price.*\n|.*Index\(None, .price.*\n", "", changed)
    model.write_text(changed)
    written = task("migrate.new", "changed")
    assert written.returncode == 0, written.stderr
    assert written.stderr.count("Note:") == 1
    assert "migrate.contract` drops products.price with its values" in written.stderr
    up, down = versions(service)[-1].read_text().split("def downgrade")
    assert 'server_default=sa.text("1")' in up
    assert 'server_default=sa.text("0")' in down
    assert "stock > 6" in up
    assert "stock > 5" in down
    assert "drop_column" not in up + down
    assert "nullable=True" in up
    assert task("migrate.new", "nothing").stdout.startswith("The revisions match the models")
    drift = [str(service / ".venv" / "bin" / "python"), "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider"]
    drift += ["tests/integration/test_migrations.py", "-k", "stairway or what_the_models_say"]
    passed = subprocess.run(drift, cwd=service, capture_output=True, text=True, check=False)
    assert passed.returncode == 0, passed.stdout
    contract = task("migrate.contract")
    assert "Note: the revision drops products.price with its values" in contract.stderr
    up, down = versions(service)[-1].read_text().split("def downgrade")
    assert 'op.drop_constraint(op.f("ck_products_price"), "products", type_="check", if_exists=True)' in up
    assert 'online.create_check(op.f("ck_products_price"), "products", "price > (0)::numeric")' in down
    passed = subprocess.run(drift, cwd=service, capture_output=True, text=True, check=False)
    assert passed.returncode == 0, passed.stdout


def _before(service: Path) -> str:
    found = re.search(r'^down_revision.* = "(\w+)"', versions(service)[-1].read_text(), re.M)
    assert found
    return found[1]


def test_a_required_field_without_a_default_needs_a_value_for_existing_rows(
    task: Task, service: Path, url: str
) -> None:
    assert task("migrate", DATABASE_URL=url).returncode == 0
    sql(url, "INSERT INTO products (id, name, price) VALUES (gen_random_uuid(), 'Lamp', 3)")
    model = service / "app" / "models" / "product.py"
    model.write_text(model.read_text() + "    size: Mapped[int] = mapped_column(sa.Integer)\n")
    before = versions(service)
    one_line(task("migrate.new", "add size"), "products.size is required", "--backfill products.size=SQL")
    assert versions(service) == before
    written = task("migrate.new", "add size", "--backfill", "products.size=char_length(name)")
    assert written.returncode == 0, written.stderr
    assert task("migrate.lint").returncode == 0
    assert task("migrate", DATABASE_URL=url).returncode == 0
    assert sql(url, "SELECT size FROM products") == [(4,)]
