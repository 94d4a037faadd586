"""A service whose rows have owners: its files are clean, and no user sees the rows of another."""

from pathlib import Path

import pytest

from tests.support.bakery import Bakery
from tests.support.domains import OWNED
from tests.support.framework import OWNERS, lay_over, run_tests
from tests.support.revising import Task, sql

MATRIX = "tests/integration/test_owners.py"


@pytest.fixture(scope="module", params=["jwt", "accounts"])
def desk(bakery: Bakery, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A service with the domain OWNED, and the framework's tests of owners."""
    service = tmp_path_factory.mktemp("owners") / "desk"
    bakery.copy(bakery.bake(project_name="Desk", resources=OWNED, auth=request.param), service)
    assert lay_over(service, OWNERS, common=False)
    return service


@pytest.mark.drill(minutes=1)
def test_no_user_sees_the_rows_of_another(bakery: Bakery, desk: Path) -> None:
    """The matrix of every operation and two users, and for each of its guards the control without it."""
    run_tests(bakery, desk, [MATRIX, *(str(path) for path in desk.glob("tests/integration/test_own*.py"))])


@pytest.mark.drill(minutes=1)
@pytest.mark.parametrize(
    "command",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["pyrefly", "check"], ["lint-imports", "--no-cache"]],
    ids=" ".join,
)
def test_its_files_are_clean(bakery: Bakery, desk: Path, command: list[str]) -> None:
    done = bakery.run([str(desk / ".venv" / "bin" / command[0]), *command[1:]], cwd=desk)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_service_without_owners_has_no_trace_of_them(bakery: Bakery) -> None:
    service = bakery.bake()
    assert not list(service.glob("app/**/owned.py"))
    assert not (service / MATRIX).exists()


INSERT = "INSERT INTO products (id, name, price{column}) VALUES (gen_random_uuid(), '{name}', 1{value})"
NULLABLE = "SELECT is_nullable FROM information_schema.columns WHERE column_name = 'owner_id'"
OF_OWNERS = ("app/api/owned.py", "app/crud/owned.py", "app/services/owned.py", MATRIX)


@pytest.mark.drill(minutes=3)
def test_an_owner_comes_and_goes_on_a_table_with_rows(bakery: Bakery, task: Task, service: Path, url: str) -> None:
    def done(*arguments: str, code: int = 0) -> str:
        ran = task(*arguments, DATABASE_URL=url)
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    def insert(name: str, owner: str | None = None) -> None:
        column, value = (", owner_id", f", '{owner}'") if owner else ("", "")
        sql(url, INSERT.format(name=name, column=column, value=value))

    def owners() -> dict[str, object]:
        return {str(name): owner for name, owner in sql(url, "SELECT name, owner_id FROM products")}

    def passes() -> None:
        paths = ["tests/integration/resources", "tests/integration/test_migrations.py"]
        run_tests(bakery, service, [*paths, *(name for name in [MATRIX] if (service / name).exists())])

    done("migrate")
    for name in ("alice", "bob"):
        insert(name)

    refused = done("resource.change", "product", "+owner", code=1)
    assert "products.owner_id is required and has no default: existing rows, and code that does not know it" in refused
    assert "the `sub` of its owner's token" in refused
    assert not any((service / name).exists() for name in OF_OWNERS)

    done("resource.change", "product", "+owner", "--backfill", "owner_id=name")
    assert all((service / name).exists() for name in OF_OWNERS)
    done("migrate")
    insert("carol")  # by code that knows no owner, while both run
    insert("a desk", "dave")
    assert owners() == {"alice": "alice", "bob": "bob", "carol": "carol", "a desk": "dave"}
    passes()
    done("migrate.contract")
    done("migrate", "--allow-destructive")
    assert sql(url, NULLABLE) == [("NO",)]
    assert done("resource.sync", "--check")

    done("resource.change", "product", "-owner")
    assert not any((service / name).exists() for name in OF_OWNERS)
    done("migrate")
    insert("erin")  # by code that knows no owner any more
    insert("a chair", "dave")  # by code that still does
    assert owners()["erin"] is None
    passes()
    done("migrate.contract")
    done("migrate", "--allow-destructive")
    assert sql(url, "SELECT count(*) FROM products") == [(6,)]
    assert sql(url, NULLABLE) == []
    passes()
