"""A renamed column in two releases, expand and contract, with a rollback between: nothing fails, nothing is lost."""

import json
from pathlib import Path

import pytest

from tests.support.bakery import Bakery
from tests.support.revised_images import checkout, image_at, write
from tests.support.stage import Stage

pytestmark = pytest.mark.alone  # serves under load

LINE = json.loads((Path(__file__).parents[2] / "cookiecutter.json").read_text())["resources"]
EXPAND = (
    "ALTER TABLE products ADD COLUMN summary varchar(500)",
    """CREATE FUNCTION products_summary() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' OR NEW.summary IS NOT DISTINCT FROM OLD.summary THEN
            NEW.summary := coalesce(NEW.description, NEW.summary);
        END IF;
        NEW.description := NEW.summary;
        RETURN NEW;
    END $$""",
    "CREATE TRIGGER products_summary BEFORE INSERT OR UPDATE ON products "
    "FOR EACH ROW EXECUTE FUNCTION products_summary()",
    "UPDATE products SET summary = description WHERE summary IS NULL",
)
CONTRACT = (
    "DROP TRIGGER products_summary ON products",
    "DROP FUNCTION products_summary()",
    "ALTER TABLE products DROP COLUMN description",
)


def executed(statements: tuple[str, ...]) -> str:
    """Return the body of a revision: asyncpg takes one statement at a time."""
    return "\n    ".join(f"op.execute({statement!r})" for statement in statements)


def sell(stage: Stage, **description: str) -> str:
    """Create a product and return its id."""
    return str(stage.http("/api/v1/products", {"name": "Lamp", "price": "9.50", **description})["id"])


@pytest.mark.drill(minutes=6)
def test_expand_roll_back_expand_contract(running: Stage, bakery: Bakery, tmp_path: Path) -> None:
    renamed = bakery.bake(project_name="Shop", resources=LINE.replace("description", "summary"))
    stage = checkout(running, tmp_path)
    base = stage.sql("select version_num from alembic_version")
    write(stage, "expand1", executed(EXPAND), marker="# deploy: additive")
    expand = image_at(stage, "expand1", code=renamed)
    write(stage, "contract1", executed(CONTRACT), down="expand1", marker="# deploy: contract expand1")
    contract = image_at(stage, "contract1", code=renamed)
    kept = {sell(stage, description="before"): "before"}

    before = stage.versions()
    for refused in (stage.task("deploy", "--yes"), stage.deploy(contract)):  # of the checkout, and of an image
        assert refused.code == 6, refused
        assert "CONTRACT_TOO_EARLY" in refused.out
        assert "contract1" in refused.out
        assert f"release 1 ({stage.images['v1'][:19]}) is deployed; its newest revision is {base}" in refused.out
    assert stage.versions() == before

    with stage.load(rate=60) as load:
        assert (done := stage.deploy(expand)).code == 0, done
        kept[sell(stage, summary="by the new version")] = "by the new version"
        assert (done := stage.task("rollback", "--yes")).code == 0, done
        kept[sell(stage, description="after the rollback")] = "after the rollback"

        refused = stage.deploy(contract)
        assert refused.code == 6, refused
        assert "CONTRACT_TOO_EARLY" in refused.out
        assert "python3 tasks.py rollback staging --to 2" in refused.out
        assert (done := stage.task("rollback", "--yes", "--to", "2")).code == 0, done
        assert (done := stage.deploy(contract)).code == 0, done  # without --allow-destructive

        refused = stage.task("rollback", "--yes", "--to", "1")
        assert refused.code == 6, refused
        assert "FORWARD_FIX" in refused.out
        assert (done := stage.task("rollback", "--yes")).code == 0, done
    print(f"{load.sent} requests, failures {dict(load.failures)}, slowest {load.slowest:.2f} s")
    assert not load.failures
    assert stage.image_of_deployment() == stage.images[expand]
    assert {id_: stage.http(f"/api/v1/products/{id_}")["summary"] for id_ in kept} == kept
