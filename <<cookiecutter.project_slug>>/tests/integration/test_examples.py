"""`python -m app example`: bodies that a POST accepts, again and again."""

from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from pydantic import BaseModel, Field
from sqlalchemy import Column, Integer, MetaData, String, Table

from app.commands.example import Example, NoExample, body_of, examples
from app.commands.unique import another
from tests.factories import FACTORIES


async def created(client: AsyncClient, found: list[Example]) -> dict[str, dict[str, Any]]:
    """Return the response to a POST of each example, by path."""
    answers: dict[str, dict[str, Any]] = {}
    for example in found:
        references = {name: answers[path]["id"] for name, path in example.references.items()}
        response = await client.post(example.path, json={**example.body, **references})
        assert response.status_code == 201, response.text
        answers[example.path] = response.json()
    return answers


async def test_every_resource_has_an_example_that_is_accepted_twice(client: AsyncClient, app: FastAPI) -> None:
    for _ in range(2):
        answers = await created(client, examples(app))
        assert list(answers) == [factory.PATH for factory in FACTORIES]


TABLE = Table("lamps", MetaData(), Column("code", String(3), unique=True), Column("size", Integer))


def test_an_example_of_the_whole_body_wins_over_those_of_its_members() -> None:
    class LampCreate(BaseModel):
        model_config = {"json_schema_extra": {"examples": [{"size": 2}]}}
        size: int = Field(examples=[1])
        note: str | None = Field(default=None, examples=["A note"])
        left_out: str | None = None

    assert body_of(LampCreate, TABLE, {}) == ({"size": 2, "note": "A note"}, {})


def test_a_member_without_an_example_is_named() -> None:
    class LampCreate(BaseModel):
        size: int

    with pytest.raises(NoExample, match=r"LampCreate\.size has no example"):
        body_of(LampCreate, TABLE, {})


@pytest.mark.parametrize(
    ("example", "schema"),
    [
        ("abc", {"type": "string", "minLength": 2, "maxLength": 3}),
        ("a", {"type": "string", "minLength": 1, "maxLength": 1}),
        (5, {"type": "integer", "minimum": 3, "maximum": 900}),
        (5, {"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 15}),
        (0.5, {"type": "number", "minimum": 0, "maximum": 1}),
        (9.0, {"type": "number", "exclusiveMaximum": 10}),
        ("2026-01-31", {"type": "string", "format": "date"}),
        ("2026-01-31T12:00:00Z", {"type": "string", "format": "date-time"}),
        ("01890a5d-ac96-774b-bcce-b302099a8057", {"type": "string", "format": "uuid"}),
    ],
)
def test_values_of_unique_columns_differ_and_stay_within_bounds(example: Any, schema: dict[str, Any]) -> None:
    values = [another(example, schema, TABLE.columns["code"]) for _ in range(10)]
    assert len(set(values)) == 10
    assert {type(value) for value in values} == {type(example)}
    for value in values:
        if isinstance(value, str) and "maxLength" in schema:
            assert schema["minLength"] <= len(value) <= schema["maxLength"]
        if not isinstance(value, str):
            assert schema.get("minimum", value) <= value <= schema.get("maximum", value)
            assert schema.get("exclusiveMinimum", value - 1) < value < schema.get("exclusiveMaximum", value + 1)


def test_a_form_of_its_own_is_left_alone() -> None:
    assert another("A-1", {"type": "string", "pattern": "^[A-Z]-[0-9]$"}, TABLE.columns["code"]) == "A-1"
