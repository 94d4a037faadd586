"""Revisions by hand: two heads and their merge, faults, and what they do to a database with rows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.bakery import Bakery
from tests.support.revising import ORDER, Task, head, one_line, sql, styled, versions, write
from tests.support.running import free_port

DEV = ("dev", "--port", str(free_port()))


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


def test_a_revision_by_hand_needs_no_database(task: Task, service: Path, bakery: Bakery) -> None:
    below = head(service)
    done = task("migrate.new", "fill the colours", "--empty", DATABASE_URL="postgresql://127.0.0.1:1/none")
    assert done.returncode == 0, done.stderr
    written = versions(service)[-1]
    assert done.stdout.strip() == str(written)
    assert f'down_revision: str | Sequence[str] | None = "{below}"' in written.read_text()
    assert '"""fill the colours\n' in written.read_text()
    assert styled(bakery, service)


def test_the_lint_checks_what_is_not_released(task: Task, service: Path) -> None:
    """As the pipeline does, in a clone whose remote has the first revision."""
    first = head(service)
    git(service, "update-ref", "refs/remotes/origin/main", "HEAD")
    dropping = write(service, "drops1", first, 'op.drop_column("products", "stock")')
    found = task("migrate.lint", "--since", "")
    assert found.returncode == 1
    assert "alembic/versions/drops1.py:11: ban-drop-column: " in found.stdout
    assert task("migrate.lint", "--since", first).stdout == found.stdout
    git(service, "add", "-A")
    git(service, "commit", "-q", "-m", "Drop the stock")
    git(service, "update-ref", "refs/remotes/origin/main", "HEAD")  # pushed

    released = task("migrate.lint")
    assert released.returncode == 0, released.stdout
    assert "0 revisions checked since commit " in released.stdout
    assert "(merge base with origin/main)" in released.stdout
    assert task("migrate.lint", "--all").returncode == 1
    one_line(task("migrate.lint", "--since", "v9"), "--since v9 is neither a revision", "nor a commit", "unshallow")
    dropping.write_text(f"# deploy: contract {first}\n{dropping.read_text()}")
    marked = task("migrate.lint")
    assert marked.returncode == 0, marked.stdout
    assert f"alembic/versions/drops1.py: skipped, marked `# deploy: contract {first}`" in marked.stdout


def git(service: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "core.hooksPath=", *arguments]
    subprocess.run(command, cwd=service, check=True, capture_output=True)
