"""`python -m app example [NAME...]`: a body that a POST of each resource accepts, as JSON, for smoke tests.

A list of `name`, `path`, `body`, and `references`: members to add to the body, each the id of what a POST to the path
there has created. Referenced resources come first. Exit code 1: a resource has no example.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import Column, Table, UniqueConstraint

from app.api.routing import Route
from app.commands.defaults import service_of_defaults
from app.commands.unique import another
from app.services.base import ResourceService


class NoExample(Exception):
    """A resource without an example. The message names the missing part."""


@dataclass(frozen=True)
class Example:
    name: str
    path: str
    body: Mapping[str, Any]
    references: Mapping[str, str]


def main(arguments: Sequence[str]) -> int:
    try:
        found = examples(service_of_defaults())
        if unknown := sorted(set(arguments) - {example.name for example in found}):
            known = ", ".join(example.name for example in found)
            raise NoExample(f"Unknown resource: {', '.join(unknown)}. Resources: {known or 'none'}.")
    except NoExample as error:
        print(error, file=sys.stderr)
        return 1
    json.dump([asdict(example) for example in found if not arguments or example.name in arguments], sys.stdout)
    return 0


def examples(app: FastAPI) -> list[Example]:
    """Return an example for each route that creates a row of a table. Raises NoExample."""
    created = list(_created(app))
    paths = {table.name: path for path, _, table in created}
    return [_example(path, body, table, paths) for path, body, table in created]


def _created(app: FastAPI) -> Iterator[tuple[str, type[BaseModel], Table]]:
    """Yield path, body and table of each POST whose endpoint has a resource's service."""
    for route in app.routes:
        if isinstance(route, Route) and "POST" in (route.methods or ()):
            hints = get_type_hints(route.endpoint, include_extras=True)
            hints.pop("return", None)
            classes = [get_args(hint)[0] if get_origin(hint) is Annotated else hint for hint in hints.values()]
            classes = [item for item in classes if inspect.isclass(item)]
            body = next((item for item in classes if issubclass(item, BaseModel)), None)
            service = next((item for item in classes if issubclass(item, ResourceService)), None)
            # % if cookiecutter.auth == "accounts"
            if service and service.crud.table.name == "users":
                continue  # a user is invited by e-mail
            # % endif
            if body and service:
                yield route.path, body, service.crud.table


def _example(path: str, body: type[BaseModel], table: Table, paths: Mapping[str, str]) -> Example:
    return Example(path.rpartition("/")[2], path, *body_of(body, table, paths))


def body_of(model: type[BaseModel], table: Table, paths: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the body without references, and the references. `paths` of the resources, by table.

    An example of the whole schema overrides those of its members. Raises NoExample.
    """
    schema = model.model_json_schema(by_alias=True)
    whole = next(iter(schema.get("examples", ())), {})
    body: dict[str, Any] = {}
    references: dict[str, str] = {}
    for name, member in schema["properties"].items():
        column, required = table.columns.get(name), name in schema.get("required", ())
        if column is not None and column.foreign_keys:
            if required:
                references[name] = _path_of(column, paths, f"{model.__name__}.{name}")
            continue
        member = _resolved(member, schema.get("$defs", {}))
        value = whole[name] if name in whole else _value(member)
        if value is not None:
            body[name] = another(value, member, column) if column is not None and _is_unique(column) else value
        elif required:
            hint = "give it one in app/schemas: Field(examples=[...])"
            raise NoExample(f"{model.__name__}.{name} has no example; {hint}")
    return body, references


def _path_of(column: Column[Any], paths: Mapping[str, str], member: str) -> str:
    table = next(key.column.table.name for key in column.foreign_keys)
    if table not in paths:
        raise NoExample(f"{member} refers to table {table}, which has no resource")
    return paths[table]


def _resolved(member: dict[str, Any], definitions: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the schema of a member's values, without null and references."""
    if "$ref" in member:
        return {**definitions[member["$ref"].rpartition("/")[2]], **member}
    choices = [choice for choice in member.get("anyOf", ()) if choice.get("type") != "null"]
    if len(choices) == 1:
        return {**_resolved(choices[0], definitions), **{key: member[key] for key in ("examples",) if key in member}}
    return member


def _value(member: Mapping[str, Any]) -> Any:
    """Return the first example or valid value; None without one in the schema."""
    choices = [
        *member.get("examples", ()),
        *member.get("enum", ()),
        *[member[key] for key in ("const",) if key in member],
    ]
    return next(iter(choices), member.get("default"))


def _is_unique(column: Column[Any]) -> bool:
    groups = [item.columns for item in column.table.constraints if isinstance(item, UniqueConstraint)]
    groups += [index.columns for index in column.table.indexes if index.unique]
    return bool(column.unique) or any(column.name in group for group in groups)
