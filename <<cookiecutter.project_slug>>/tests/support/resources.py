"""Facts of a resource for tests of any resource. A resource is its module in `tests.factories`."""

import importlib
from types import ModuleType
from typing import Any

from fastapi import FastAPI

from app.core.database import Database
from app.crud.base import Crud
from app.db.driver import Driver
from tests.support.identity import SUBJECT


def crud_of(resource: ModuleType) -> Crud:
    """Its queries, on the rows of the tests' caller if rows have an owner."""
    name = resource.__name__.rpartition(".")[2]
    crud: Crud = getattr(importlib.import_module(f"app.crud.{name}"), f"{name}_crud")
    return getattr(crud, "of", lambda _: crud)(SUBJECT)


def table_of(resource: ModuleType) -> str:
    return crud_of(resource).table.name


def fields_of(app: FastAPI, resource: ModuleType) -> dict[str, dict[str, Any]]:
    """The members of a body as the OpenAPI document has them, by name."""
    document = app.openapi()
    content = document["paths"][resource.PATH]["post"]["requestBody"]["content"]["application/json"]
    name = content["schema"]["$ref"].rpartition("/")[2]
    fields: dict[str, dict[str, Any]] = document["components"]["schemas"][name]["properties"]
    return fields


def another_value(value: Any, field: dict[str, Any]) -> Any:
    """A legal value of the field that is not `value`, which is legal."""
    if "enum" in field:
        return next(choice for choice in field["enum"] if choice != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1 if value + 1 <= field.get("maximum", value + 1) else value - 1
    if isinstance(value, dict):
        return {**value, "another": True}
    # A digit or a letter changes into its neighbour; the last one but for a time zone's Z.
    head, last, tail = (value[:-2], value[-2], value[-1]) if value.endswith("Z") else (value[:-1], value[-1], "")
    return f"{head}{chr(ord(last) ^ 1)}{tail}"


async def run_sql(database: Database, *statements: str) -> None:
    """Run statements where the application's own next query will run."""

    async def unit(connection: Any) -> None:
        driver: Driver = connection.driver
        for statement in statements:
            await driver.execute(statement)

    await database.read(unit)
