"""A query that a model describes: read at once, and documented by FastAPI all the same."""

from typing import Annotated, Any

from fastapi import Query
from httpx2 import AsyncClient
from pydantic import BaseModel, ConfigDict, Field

from app.api.routing import Router
from app.core.security import public
from tests.support.problems import assert_problem
from tests.unit.conftest import ClientOf, MakeApp


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int = Field(default=20, ge=1, description="How many.")
    sort_by: str | None = Field(default=None, alias="sort")
    tags: list[str] | None = None


router = Router(dependencies=[public])


@router.get("/things/{id}")
async def things(id: int, wanted: Annotated[Wanted, Query()]) -> dict[str, Any]:
    return {"id": id, **wanted.model_dump()}


def client(make_app: MakeApp, client_of: ClientOf) -> AsyncClient:
    return client_of(make_app(router))


async def test_what_is_given_and_what_is_not(make_app: MakeApp, client_of: ClientOf) -> None:
    answer = (await client(make_app, client_of).get("/things/7?size=5&sort=a%20b")).json()
    assert answer == {"id": 7, "size": 5, "sort_by": "a b", "tags": None}
    assert (await client(make_app, client_of).get("/things/7")).json()["size"] == 20


async def test_a_parameter_that_is_given_twice(make_app: MakeApp, client_of: ClientOf) -> None:
    answer = await client(make_app, client_of).get("/things/7?size=5&size=6")
    assert [fault["code"] for fault in assert_problem(answer, 422, "invalid")["errors"]] == ["repeated"]
    assert (await client(make_app, client_of).get("/things/7?tags=a&tags=b")).json()["tags"] == ["a", "b"]
    assert (await client(make_app, client_of).get("/things/7?tags=a")).json()["tags"] == ["a"]


async def test_faults_name_the_parameter(make_app: MakeApp, client_of: ClientOf) -> None:
    problem = assert_problem(await client(make_app, client_of).get("/things/7?size=0&colour=red"), 422, "invalid")
    assert {(fault["in"], fault["parameter"]) for fault in problem["errors"]} == {
        ("query", "size"),
        ("query", "colour"),
    }


def test_the_document_knows_each_parameter(make_app: MakeApp) -> None:
    operation = make_app(router).openapi()["paths"]["/things/{id}"]["get"]
    described = {entry["name"]: entry.get("description") for entry in operation["parameters"]}
    assert described == {"id": None, "size": "How many.", "sort": None, "tags": None}
