"""A constraint that only the database has checked names its field and its rule, in the form of a validation error."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.api.dependencies import DatabaseDep
from app.api.routing import Router, include
from app.core.database import Database
from app.core.security import public
from app.db.base import Base
from app.db.driver import Statement
from app.db.sqlstate import Fault, classify
from tests.support.applications import client_of
from tests.support.problems import assert_problem

FOREIGN_KEY = "fk_rule_lamps_parent_id_rule_lamps"
LONG = "a_field_whose_name_is_so_long_that_its_constraint_s_is_shortened"[:60]


@pytest.fixture
def lamps() -> Any:
    table = sa.Table(
        "rule_lamps",
        Base.metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("price", sa.Numeric(10, 2)),
        sa.Column("stars", sa.Integer),
        sa.Column("title", sa.String(20), nullable=False),
        sa.Column("order", sa.String(20)),
        sa.Column("begins", sa.Integer),
        sa.Column("ends", sa.Integer),
        sa.Column(LONG, sa.Integer),
        sa.Column("email", sa.String(50)),
        sa.Column("parent_id", sa.ForeignKey("rule_lamps.id")),
        sa.CheckConstraint("price > 0", name="price"),
        sa.CheckConstraint("stars >= 1 AND stars <= 5", name="stars"),
        sa.CheckConstraint("char_length(title) >= 3", name="title"),
        sa.CheckConstraint("\"order\" IN ('up', 'down')", name="order"),
        sa.CheckConstraint("begins < ends", name="duration"),
        sa.CheckConstraint(f"{LONG} <= 7", name=LONG),
        sa.UniqueConstraint("begins", "ends"),
    )
    sa.Index("uq_rule_lamps_email", sa.func.lower(table.c.email), unique=True)
    yield table
    Base.metadata.remove(table)


@pytest.fixture
async def http(own_app: FastAPI, lamps: sa.Table) -> AsyncIterator[AsyncClient]:
    database: Database = own_app.state.database
    async with database.engine.begin() as connection:
        await connection.run_sync(lamps.create)

    own = Router(prefix="/lamps", dependencies=[public])

    @own.post("")
    async def create(values: dict[str, Any], database: DatabaseDep) -> None:
        insert = Statement(sa.insert(lamps).values({name: sa.bindparam(name) for name in values}))
        await database.write(lambda connection: connection.run(insert, values))

    include(own_app, [own], "")
    async with client_of(own_app) as http:
        assert (await http.post("/lamps", json=GOOD)).status_code == 200
        yield http


GOOD = {"id": 1, "title": "Lamp", "price": 1, "begins": 1, "ends": 2, "email": "a@b"}


@pytest.mark.parametrize(
    ("change", "fields", "rule"),
    [
        ({"price": -1}, ["price"], "must be greater than 0"),
        ({"stars": 6}, ["stars"], "must be at least 1 and at most 5"),
        ({"title": "x"}, ["title"], "must be at least 3 characters long"),
        ({"order": "left"}, ["order"], "must be one of up, down"),
        ({"begins": 3}, ["begins", "ends"], "must be such that begins < ends"),
        ({LONG: 8}, [LONG], "must be at most 7"),
    ],
    ids=["bound", "two bounds", "length", "choice", "two fields", "long name"],
)
async def test_a_check(http: AsyncClient, change: dict[str, Any], fields: list[str], rule: str) -> None:
    answer = await http.post("/lamps", json={**GOOD, "id": 2, "begins": 1, "ends": 3, "email": "c@d", **change})
    assert_problem(answer, 422, "check_failed")
    problem = answer.json()
    assert problem["detail"] == f"{' and '.join(f'`{field}`' for field in fields)} {rule}."
    expected = [{"pointer": f"#/{field}", "code": "check_failed", "detail": rule} for field in fields]
    assert problem["errors"] == expected


@pytest.mark.parametrize(
    ("change", "status", "code", "fields", "detail"),
    [
        ({"email": "A@B"}, 409, "not_unique", ["email"], "A resource with this `email` already exists."),
        ({"begins": 1, "ends": 2}, 409, "not_unique", ["begins", "ends"], "this `begins` and `ends` already exists."),
        ({"id": 1}, 409, "not_unique", ["id"], "A resource with this `id` already exists."),
        ({"title": None}, 422, "missing", ["title"], "`title` is required."),
        ({"parent_id": 9}, 409, "reference_missing", ["parent_id"], "`parent_id` refers to a resource that does not"),
        ({"title": "x" * 21}, 422, "value_too_long", [], "A text is too long."),
    ],
    ids=["expression", "two columns", "key", "null", "reference", "length"],
)
async def test_other_constraints(
    http: AsyncClient, change: dict[str, Any], status: int, code: str, fields: list[str], detail: str
) -> None:
    answer = await http.post("/lamps", json={**GOOD, "id": 2, "begins": 1, "ends": 3, "email": "c@d", **change})
    assert_problem(answer, status, code)
    problem = answer.json()
    assert detail in problem["detail"]
    assert [error["pointer"] for error in problem.get("errors", [])] == [f"#/{field}" for field in fields]


@pytest.mark.parametrize(
    ("sqlstate", "constraint", "columns"),
    [("23505", "uq_rule_lamps_begins_ends", ["begins", "ends"]), ("23503", FOREIGN_KEY, ["parent_id"])],
)
def test_a_key_without_its_values(lamps: sa.Table, sqlstate: str, constraint: str, columns: list[str]) -> None:
    """PostgreSQL does not show them to a role that may not read them."""
    problem = classify(Fault(sqlstate, constraint, lamps.name))
    assert problem is not None
    assert [error["pointer"] for error in problem.errors] == [f"#/{column}" for column in columns]


async def test_a_check_that_no_model_has(own_app: FastAPI, http: AsyncClient) -> None:
    database: Database = own_app.state.database
    statement = "ALTER TABLE rule_lamps ADD CONSTRAINT tall CHECK (id < 100)"
    await database.write(lambda connection: connection.driver.execute(statement))
    answer = await http.post("/lamps", json={**GOOD, "id": 100, "begins": 5, "ends": 6, "email": "e@f"})
    assert_problem(answer, 422, "check_failed")
    assert answer.json()["detail"] == "A value violates the rule `tall`."
