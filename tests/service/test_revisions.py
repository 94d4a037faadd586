"""Revisions of a service: by hand, merged, generated for a changed line, and what they do to a database with rows."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from dev import postgres
from tests.support.bakery import Bakery

Task = Callable[..., subprocess.CompletedProcess[str]]
REVISION = '''"""{name}"""

import sqlalchemy as sa
from alembic import op

revision = "{name}"
down_revision = "{down}"


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {down_code}
'''
DEV = ("dev", "--port", "0")  # any free port
ORDER = "order: status:enum(new|paid) amount:decimal(10,2)>0"
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


@pytest.fixture
def url() -> Iterator[str]:
    with postgres.scratch() as url:
        yield url


def sql(url: str, statement: str) -> list[tuple[object, ...]]:
    async def run() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(run())


def versions(service: Path) -> list[Path]:
    return sorted((service / "alembic" / "versions").glob("*.py"), key=lambda path: path.stat().st_mtime_ns)


def head(service: Path) -> str:
    found = re.search(r'^revision: str = "(\w+)"', versions(service)[-1].read_text(), re.M)
    assert found
    return found[1]


def write(service: Path, name: str, down: str, up: str = "pass", down_code: str = "pass") -> Path:
    path = service / "alembic" / "versions" / f"{name}.py"
    path.write_text(REVISION.format(name=name, down=down, up=up, down_code=down_code))
    return path


def one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """The task failed, and all that it says is one line with these words."""
    assert done.returncode not in (0, 2), done.stdout
    said = (done.stdout + done.stderr).strip()
    assert all(word in said for word in words), said
    assert len(said.splitlines()) == 1, said


def styled(bakery: Bakery, service: Path) -> bool:
    """Whether the revisions pass the service's linter and formatter."""
    ruff = str(service / ".venv" / "bin" / "ruff")
    done = [bakery.run([ruff, *words, "alembic"], cwd=service) for words in (("check",), ("format", "--check"))]
    return all(one.returncode == 0 for one in done)


@pytest.fixture
def alembic(bakery: Bakery, service: Path) -> Task:
    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [str(service / ".venv" / "bin" / "python"), "-m", "alembic", *arguments]
        return bakery.run(command, cwd=service, env={**bakery.environment, **variables})

    return run


@pytest.mark.drill
def test_revisions_by_hand_two_heads_and_their_merge(
    task: Task, alembic: Task, service: Path, bakery: Bakery, url: str
) -> None:
    task("--list")  # the environment of the copy is made
    start = head(service)
    by_hand = alembic("revision", "-m", "by hand")
    assert by_hand.returncode == 0, by_hand.stderr
    first = head(service)
    write(service, "other1", start, 'op.create_table("extra", sa.Column("id", sa.Uuid()))', 'op.drop_table("extra")')

    named = (first, "other1", "two heads", "python3 tasks.py migrate.merge")
    one_line(task("migrate", DATABASE_URL=url), *named)
    one_line(task("migrate.lint"), *named)
    one_line(task("resource.add", ORDER), *named)
    one_line(task(*DEV, DATABASE_URL=url), *named)
    one_line(alembic("upgrade", "head", DATABASE_URL=url), *named)
    one_line(task("test", "-k", "nothing"), *named)
    served = bakery.run(
        [str(service / ".venv" / "bin" / "python"), "-m", "app"],
        cwd=service,
        env={**bakery.environment, "DATABASE_URL": url, "PORT": "0"},
    )
    assert served.returncode == 78
    assert all(word in served.stderr.strip().splitlines()[-1] for word in named)

    assert task("migrate.merge").returncode == 0
    merge = head(service)
    assert f'"{first}"' in versions(service)[-1].read_text()
    assert "nothing to merge" in task("migrate.merge").stdout
    assert styled(bakery, service)
    assert task("migrate.lint").returncode == 0
    for arguments in (("upgrade", "head"), ("downgrade", "base"), ("upgrade", "head")):
        done = alembic(*arguments, DATABASE_URL=url)
        assert done.returncode == 0, done.stderr
    assert sql(url, "SELECT version_num FROM alembic_version") == [(merge,)]

    versions(service)[-1].unlink()  # the control of what the task writes: Alembic's own command
    assert alembic("merge", "heads", "-m", "as Alembic does").returncode == 0
    assert styled(bakery, service)
    assert alembic("heads").stdout.startswith(head(service))


@pytest.mark.drill
def test_a_changed_line_gets_all_of_its_rules(task: Task, service: Path, bakery: Bakery, url: str) -> None:
    assert task("resource.add", ORDER).returncode == 0
    assert task("migrate", DATABASE_URL=url).returncode == 0
    sql(url, "INSERT INTO orders (id, status, amount) VALUES (gen_random_uuid(), 'new', 0.5)")
    declared = service / "service.toml"
    declared.write_text(declared.read_text().replace(f'"{ORDER}"', f"'{CHANGED}'"))
    added = task("resource.add", CHANGED)
    assert added.returncode == 0, added.stdout + added.stderr
    assert "Note:" not in added.stderr

    drift = [str(service / ".venv" / "bin" / "python"), "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider"]
    drift += ["tests/integration/test_migrations.py", "-k", "stairway or what_the_models_say"]
    passed = subprocess.run(drift, cwd=service, capture_output=True, text=True, check=False)
    assert passed.returncode == 0, passed.stdout
    linted = task("migrate.lint")
    assert linted.returncode == 0, linted.stdout
    assert styled(bakery, service)

    # Only the bound is tighter: code that serves meanwhile may still write less.
    judged = "from pathlib import Path; from deploy import revisions; " + (
        f"print(revisions.pending(Path('.'), {_before(service)!r}, {head(service)!r}).revisions[0].reasons)"
    )
    reasons = subprocess.run(
        [str(service / ".venv" / "bin" / "python"), "-c", judged],
        cwd=service,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert reasons.count("adds a CHECK") == 1, reasons
    assert "ck_orders_amount" in reasons

    # Half of it is committed when a row breaks a rule; the second attempt completes it.
    one_line(task("migrate", DATABASE_URL=url), '"ck_orders_amount"', "violated by some row. Rows break the new rule")
    assert sql(url, "SELECT sku FROM orders") == [("x",)]
    sql(url, "UPDATE orders SET amount = 3")
    assert task("migrate", DATABASE_URL=url).returncode == 0
    sql(url, "UPDATE orders SET status = 'refunded', amount = 1, code = 'ab'")
    for column, value in (("status", "lost"), ("amount", "0.5"), ("sku", ""), ("code", "a")):
        with pytest.raises(asyncpg.CheckViolationError, match=f"ck_orders_{column}"):
            sql(url, f"UPDATE orders SET {column} = '{value}'")  # noqa: S608

    # The control: without one of its rules, the drift test is red.
    newest = versions(service)[-1]
    newest.write_text(re.sub(r"\n.*op\.f\(\"ck_orders_sku\"\), \"orders\", \"char_length.*", "", newest.read_text()))
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
    assert "the revision drops products.price with its values" in written.stderr
    up, down = versions(service)[-1].read_text().split("def downgrade")
    assert 'op.drop_constraint(op.f("ck_products_price"), "products", type_="check", if_exists=True)' in up
    assert 'server_default=sa.text("1")' in up
    assert 'server_default=sa.text("0")' in down
    assert "stock > 6" in up
    assert 'online.create_check(op.f("ck_products_price"), "products", "price > (0)::numeric")' in down
    assert "stock > 5" in down
    assert task("migrate.new", "nothing").stdout.startswith("The revisions have everything")
    drift = [str(service / ".venv" / "bin" / "python"), "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider"]
    drift += ["tests/integration/test_migrations.py", "-k", "stairway or what_the_models_say"]
    passed = subprocess.run(drift, cwd=service, capture_output=True, text=True, check=False)
    assert passed.returncode == 0, passed.stdout


def _before(service: Path) -> str:
    found = re.search(r'^down_revision.* = "(\w+)"', versions(service)[-1].read_text(), re.M)
    assert found
    return found[1]


def test_a_required_field_without_a_default_is_said_when_written_and_when_it_fails(
    task: Task, service: Path, url: str
) -> None:
    assert task("migrate", DATABASE_URL=url).returncode == 0
    sql(url, "INSERT INTO products (id, name, price) VALUES (gen_random_uuid(), 'Lamp', 3)")
    model = service / "app" / "models" / "product.py"
    model.write_text(model.read_text() + "    size: Mapped[int] = mapped_column(sa.Integer)\n")
    written = task("migrate.new", "add size")
    assert written.returncode == 0, written.stderr
    assert (
        "products.size is required and has no default: the migration fails on a table that has rows" in written.stderr
    )
    place = f"alembic/versions/{versions(service)[-1].name}:"
    one_line(
        task("migrate", DATABASE_URL=url), place, 'column "size"', "contains null values", "give the field a default"
    )


def test_rows_are_not_erased_without_a_yes(task: Task, service: Path, bakery: Bakery, url: str) -> None:
    assert task("migrate", DATABASE_URL=url).returncode == 0
    sql(url, "INSERT INTO products (id, name, price) VALUES (gen_random_uuid(), 'Lamp', 3)")
    write(service, "empty1", head(service), 'op.drop_column("products", "description")')
    assert task("migrate", DATABASE_URL=url).returncode == 0  # the control: no product has one
    write(service, "drops1", "empty1", 'op.drop_column("products", "stock")')
    for name in (("migrate",), DEV):
        refused = task(*name, DATABASE_URL=url)
        assert refused.returncode == 1
        assert "products.stock: 1 value (alembic/versions/drops1.py:11)" in refused.stderr
        assert "--allow-destructive" in refused.stderr
        assert "--fresh" not in refused.stdout + refused.stderr
    assert answered(bakery, service, url, b"no\n") != 0
    assert sql(url, "SELECT stock FROM products") == [(0,)]
    assert answered(bakery, service, url, b"yes\n") == 0
    write(service, "drops2", "drops1", "op.execute('DROP TABLE products')")
    assert task("migrate", DATABASE_URL=url).returncode == 1
    assert task("migrate", "--allow-destructive", DATABASE_URL=url).returncode == 0
    assert sql(url, "SELECT to_regclass('products')") == [(None,)]


def answered(bakery: Bakery, service: Path, url: str, answer: bytes) -> int:
    """The exit code of `migrate` in a terminal, where a person types this."""
    ours, theirs = os.openpty()
    try:
        os.write(ours, answer)
        command = [sys.executable, "tasks.py", "migrate"]
        variables = {**bakery.environment, "DATABASE_URL": url}
        return subprocess.run(
            command, cwd=service, env=variables, stdin=theirs, capture_output=True, check=False
        ).returncode
    finally:
        os.close(ours)
        os.close(theirs)


def test_faults_of_a_migration_are_one_line_and_never_advise_to_erase(task: Task, service: Path, url: str) -> None:
    assert task("migrate", DATABASE_URL=url).returncode == 0
    start = head(service)
    faulty = write(service, "bad1", start, 'op.execute("SELECT 1/0")')
    for name in (("migrate",), DEV):
        one_line(task(*name, DATABASE_URL=url), "alembic/versions/bad1.py:11 failed: division by zero")
    faulty.write_text(faulty.read_text().replace('op.execute("SELECT 1/0")', "no_such_name()"))
    one_line(task("migrate", DATABASE_URL=url), "bad1.py:11 failed: NameError", "no_such_name")
    faulty.write_text(faulty.read_text().replace("no_such_name()", "pass"))
    assert task("migrate", DATABASE_URL=url).returncode == 0

    faulty.unlink()  # as on another branch
    for name in (("migrate",), DEV):
        done = task(*name, DATABASE_URL=url)
        one_line(done, "is at revision bad1, which alembic/versions does not have", "Check out", "DATABASE_URL")
        assert "fresh" not in done.stdout + done.stderr


def test_the_lint_names_file_and_line_and_takes_a_marker(task: Task, service: Path) -> None:
    rows = "for _ in op.get_bind().execute(sa.text('SELECT id FROM products')):\n        pass"
    reading = write(service, "reads1", head(service), rows)
    dropping = write(service, "drops1", "reads1", 'op.drop_column("products", "stock")')
    found = task("migrate.lint")
    assert found.returncode == 1
    assert "alembic/versions/reads1.py:11 cannot be written as SQL: it reads the database" in found.stdout
    assert "alembic/versions/drops1.py:11: ban-drop-column: " in found.stdout
    assert "\x1b" not in found.stdout + found.stderr
    assert "stdin" not in found.stdout
    assert "Traceback" not in found.stderr
    for path, marker in ((reading, "additive"), (dropping, "destructive")):
        path.write_text(f"# deploy: {marker}\n{path.read_text()}")
    assert task("migrate.lint").returncode == 0
