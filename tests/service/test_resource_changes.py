"""`resource.change`, `rename`, `remove` and `sync` on a service whose owner has written code into generated files."""

import subprocess
from pathlib import Path

import pytest

from tests.support.bakery import Bakery
from tests.support.revising import Task, sql, versions

METHOD = "\n    def is_cheap(self) -> bool:\n        return self.price < 10\n"
RULE = """
    async def check(self, connection: Connection, row: Row) -> None:
        if row["name"] == "forbidden" and not row["is_available"]:
            raise Unprocessable("This name is forbidden.", code="forbidden_name")
"""
IMPORTS = """from app.core.exceptions import Unprocessable
from app.crud.product import product_crud
from app.db.driver import Connection, Row
"""
ENDPOINT = '''

@router.get("/{id}/label", operation_id="products_label", dependencies=READ)
async def label(id: uuid.UUID, service: Service) -> dict[str, str]:
    """The name of a product, for printing."""
    return {"label": (await service.get(id))["name"]}
'''
TESTS = '''"""The owner's own rules."""

from httpx2 import AsyncClient

from app.models.product import Product
from tests.factories import product
from tests.support.problems import assert_problem


async def test_own_code(client: AsyncClient) -> None:
    created = await product.create(client, sku="a")
    assert (await client.get(f"{product.PATH}/{created['id']}/label")).json() == {"label": created["name"]}
    body = await product.body(client, name="forbidden", is_available=False)
    assert_problem(await client.post(product.PATH, json=body), 422, "forbidden_name")
    one = f"{product.PATH}/{created['id']}"
    assert_problem(await client.put(one, json=body), 422, "forbidden_name")
    assert (await client.patch(one, json={"name": "forbidden", "is_available": True})).status_code == 200
    assert_problem(await client.patch(one, json={"is_available": False}), 422, "forbidden_name")
    assert (await client.get(one)).json()["is_available"] is True
    assert Product(price=1).is_cheap()
'''
OWN_FUNCTION = '''

def service_of_own(service: ReviewService) -> str:
    """A review."""
    return "review"
'''


def git(service: Path, *arguments: str, code: int = 0) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    done = subprocess.run(["git", *identity, *arguments], cwd=service, check=False, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def commit(service: Path) -> None:
    git(service, "add", "--all")
    git(service, "commit", "--quiet", "--message", "work")


def edit(service: Path) -> None:
    """Write a method into the model, a rule into the service, and an endpoint into the generated module."""
    model, rules, endpoints = (
        service / "app" / place
        for place in ("models/product.py", "services/product.py", "api/v1/endpoints/products.py")
    )
    model.write_text(model.read_text() + METHOD)
    text = rules.read_text().replace("from app.crud.product import product_crud\n", IMPORTS)
    rules.write_text("".join(line for line in text.splitlines(True) if "transaction = False" not in line) + RULE)
    endpoints.write_text(endpoints.read_text() + ENDPOINT)
    (service / "tests" / "integration" / "test_own.py").write_text(TESTS)
    commit(service)


def passes(bakery: Bakery, service: Path, *paths: str) -> None:
    python = str(service / ".venv" / "bin" / "python")
    tested = bakery.run([python, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", *paths], cwd=service)
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.drill(minutes=2)
def test_a_change_keeps_the_owners_code(task: Task, service: Path, bakery: Bakery) -> None:
    edit(service)
    change = ("product", "+sku:str(..40)? -stock description:text?")
    shown = task("resource.change", *change, "--check", "--diff")
    assert shown.returncode == 2, shown.stdout + shown.stderr
    assert "+    sku: Mapped[str | None]" in shown.stdout
    assert git(service, "status", "--porcelain") == ""

    refused = task("resource.change", "product", "+size:int")
    assert refused.returncode == 1
    assert "merge    app/models/product.py" in refused.stdout
    assert refused.stderr.endswith("\nNothing was written: the files listed above are unchanged.\n")
    assert git(service, "status", "--porcelain") == ""

    changed = task("resource.change", *change)
    assert changed.returncode == 0, changed.stdout + changed.stderr
    assert "merge    app/models/product.py" in changed.stdout
    assert "Next: python3 tasks.py migrate" in changed.stdout
    model = (service / "app" / "models" / "product.py").read_text()
    assert model.endswith("sku: Mapped[str | None] = mapped_column(sa.String(40))\n" + METHOD)
    assert '"sku"' in (service / "docs" / "openapi.json").read_text()
    tests = ("integration/test_own.py", "integration/resources", "unit/resources", "integration/test_migrations.py")
    passes(bakery, service, *(f"tests/{place}" for place in tests))

    commit(service)
    again = task("resource.sync")
    assert again.returncode == 0, again.stdout + again.stderr
    assert git(service, "status", "--porcelain") == ""
    assert task("resource.sync", "--check").returncode == 0


@pytest.mark.drill
def test_a_conflict_writes_nothing_until_marks_are_asked_for(task: Task, service: Path) -> None:
    model = service / "app" / "models" / "product.py"
    model.write_text(model.read_text().replace("sa.String(100)", "sa.String(120)"))
    commit(service)
    change = ("product", "name->label:str(..200) +sku:str?")
    refused = task("resource.change", *change)
    assert refused.returncode == 3, refused.stdout + refused.stderr
    assert "+    label: Mapped[str] = mapped_column(sa.String(200))" in refused.stdout
    assert "--conflicts" in refused.stderr
    assert git(service, "status", "--porcelain") == ""

    marked = task("resource.change", *change, "--conflicts")
    assert marked.returncode == 3
    assert "resource.sync --rename product.name=label" in marked.stderr
    assert "<<<<<<< your file\n" in model.read_text()
    assert git(service, "status", "--porcelain", "alembic") == ""
    unresolved = task("resource.sync", "--rename", "product.name=label")
    assert unresolved.returncode == 1
    assert "unresolved app/models/product.py" in unresolved.stderr
    lines = iter(model.read_text().splitlines(True))
    model.write_text("".join(line for line in lines if not line.startswith(("<<<", "|||", "===", ">>>", "    name:"))))
    synced = task("resource.sync", "--rename", "product.name=label")
    assert synced.returncode == 0, synced.stdout + synced.stderr
    assert "sync_resources.py" in synced.stdout


@pytest.mark.drill(minutes=2)
def test_two_branches_are_put_right(task: Task, service: Path, url: str, bakery: Bakery) -> None:
    task("--list")
    git(service, "checkout", "--quiet", "-b", "other")
    assert task("resource.add", "lamp: size:int").returncode == 0
    assert task("resource.change", "product", "+colour:str?").returncode == 0
    product = service / "app" / "models" / "product.py"
    product.write_text(product.read_text().replace('"""The table', '"""The only table', 1))
    commit(service)
    git(service, "checkout", "--quiet", "main")
    assert task("resource.change", "product", "+sku:str(..40)?").returncode == 0
    product.write_text(product.read_text() + METHOD)
    assert task("resource.add", "review: stars:int product:ref(product)").returncode == 0
    model = service / "app" / "models" / "review.py"
    model.write_text(model.read_text() + METHOD)
    commit(service)
    git(service, "merge", "other", code=1)
    refused = task("resource.add", "third: a:int")
    assert refused.returncode == 1
    assert "run `python3 tasks.py resource.sync`" in refused.stderr

    synced = task("resource.sync")
    assert synced.returncode == 0, synced.stdout + synced.stderr
    assert "migrate.merge" in synced.stdout
    assert git(service, "grep", "-lE", "^(<<<<<<<|=======$|>>>>>>>)", "--", ":!*.md", code=1) == ""
    assert model.read_text().endswith(METHOD)
    assert product.read_text().startswith('"""The only table')
    fields = [line.strip().partition(":")[0] for line in product.read_text().splitlines() if "mapped_column(" in line]
    assert fields == ["name", "description", "price", "stock", "is_available", "sku", "colour"]
    assert product.read_text().endswith(METHOD)
    merged = task("migrate.merge")
    assert merged.returncode == 0, merged.stderr
    commit(service)
    before = versions(service)
    again = task("resource.sync")
    assert again.returncode == 0, again.stdout + again.stderr
    assert versions(service) == before
    assert git(service, "status", "--porcelain") == ""
    assert task("openapi", "--check").returncode == 0
    assert task("migrate", DATABASE_URL=url).returncode == 0
    assert sql(url, "SELECT to_regclass('lamps') IS NULL, to_regclass('reviews') IS NULL") == [(False, False)]
    passes(bakery, service, "tests/integration/test_migrations.py")  # up and down across the merge


@pytest.mark.drill(minutes=2)
def test_a_resource_is_renamed_and_removed(task: Task, service: Path, bakery: Bakery) -> None:
    assert task("resource.add", "review: price:int product:ref(product)").returncode == 0
    app = service / "app"
    model, rules = app / "models" / "review.py", app / "services" / "review.py"
    model.write_text(model.read_text() + METHOD)
    rules.write_text(rules.read_text() + OWN_FUNCTION)
    (app / "own.py").write_text("from app.models.review import Review as Review\n")
    commit(service)
    refused = task("resource.remove", "product")
    assert refused.returncode == 1
    assert "`review.product_id` refers to it" in refused.stderr

    renamed = task("resource.rename", "review", "opinion")
    assert renamed.returncode == 0, renamed.stdout + renamed.stderr
    assert "/reviews of the API becomes /opinions" in renamed.stderr
    assert "app/own.py:1" in renamed.stderr
    assert (app / "models" / "opinion.py").read_text().endswith(METHOD)
    assert (app / "services" / "opinion.py").read_text().endswith(OWN_FUNCTION.replace("Review", "Opinion"))
    assert '"opinion: price:int product:ref(product)"' in (service / "service.toml").read_text()
    assert not list(app.rglob("review*.py"))
    (app / "own.py").unlink()
    passes(bakery, service, "tests/integration/resources", "tests/unit/resources")
    commit(service)

    assert task("resource.add", "lamp: price:int").returncode == 0
    lamp = app / "models" / "lamp.py"
    lamp.write_text(lamp.read_text() + METHOD)
    commit(service)
    refused = task("resource.remove", "lamp")
    assert refused.returncode == 1
    assert "app/models/lamp.py" in refused.stderr
    assert "--delete-edited" in refused.stderr
    assert git(service, "status", "--porcelain") == ""
    removed = task("resource.remove", "lamp", "--delete-edited")
    assert removed.returncode == 0, removed.stdout + removed.stderr
    assert not list(app.rglob("lamp*.py"))
    passes(bakery, service, "tests/integration/test_migrations.py")
