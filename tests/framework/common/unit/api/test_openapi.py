"""The OpenAPI document tells all that can happen."""

import json
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Query
from pydantic import BaseModel

from app.api.answers import CHANGED, CREATED, DELETED, FOUND, PAGE, problems
from app.api.dependencies import TAKES_IDEMPOTENCY_KEY, ExpectedVersions, Idempotency, IfNoneMatch
from app.api.openapi import complete
from app.api.routing import Router, include
from app.api.v1.endpoints import health
from app.core.security import public, security_schemes
from app.schemas.base import PageQuery
from tests.unit.conftest import MakeApp


class Item(BaseModel):
    name: str


@pytest.fixture
def document(make_app: MakeApp) -> dict[str, Any]:
    router = Router(prefix="/items", tags=["items"])

    @router.get("", operation_id="items_list")
    async def list_items(limit: int = 1) -> list[Item]:
        return []

    @router.post("", operation_id="items_create", responses=problems(409), status_code=201)
    async def create_item(item: Item) -> Item:
        return item

    @router.get("/{id}", operation_id="items_get", dependencies=[public])
    async def get_item(id: int) -> Item:
        return Item(name=str(id))

    @router.get("/now", operation_id="items_now", dependencies=[public])
    async def now() -> str:
        return ""

    app = make_app(router, "/api/v1")
    health.install(app)
    document = app.openapi()
    assert app.openapi() is document  # made once
    return document


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/api/v1/items", "get", {"200", "401", "403", "422", "500", "503"}),
        ("/api/v1/items", "post", {"201", "401", "403", "408", "409", "413", "415", "422", "500", "503"}),
        ("/api/v1/items/{id}", "get", {"200", "404", "422", "500", "503"}),
        ("/api/v1/items/now", "get", {"200", "500", "503"}),
        ("/api/v1/health", "get", {"200"}),
        ("/health", "get", {"200"}),
        ("/ready", "get", {"200", "503"}),
    ],
)
def test_every_answer_is_declared(document: dict[str, Any], path: str, method: str, statuses: set[str]) -> None:
    if not security_schemes((), ""):
        statuses = statuses - {"401", "403"}
    assert document["paths"][path][method]["responses"].keys() == statuses


def test_errors_are_problems(document: dict[str, Any]) -> None:
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if status >= "400":
                    schema = answer["content"]["application/problem+json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Problem"}


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert "HTTPValidationError" not in text
    for reference in {part.split('"')[0] for part in text.split('"$ref": "')[1:]}:
        target: Any = document
        for name in reference.removeprefix("#/").split("/"):
            target = target[name]


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))
    assert {"items_list", "health", "ready"} <= set(names)


@pytest.fixture
def things(make_app: MakeApp) -> dict[str, Any]:
    """The operations of a resource, by their ids."""
    router = Router(prefix="/things", tags=["things"])

    @router.get("", operation_id="list", responses=PAGE)
    async def list_things(query: Annotated[PageQuery, Query()]) -> list[Item]:
        return []

    @router.post("", operation_id="create", responses=CREATED, status_code=201, openapi_extra=TAKES_IDEMPOTENCY_KEY)
    async def create_thing(item: Item, idempotency: Idempotency) -> Item:
        return item

    @router.get("/{id}", operation_id="get", responses=FOUND)
    async def get_thing(id: int, if_none_match: IfNoneMatch = None) -> Item:
        return Item(name=str(id))

    @router.put("/{id}", operation_id="replace", responses=CHANGED)
    async def replace_thing(id: int, item: Item, versions: ExpectedVersions) -> Item:
        return item

    @router.delete("/{id}", operation_id="delete", responses=DELETED, status_code=204)
    async def delete_thing(id: int, versions: ExpectedVersions) -> None: ...

    paths = make_app(router, "/api/v1").openapi()["paths"].values()
    return {operation["operationId"]: operation for path in paths for operation in path.values()}


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("list", {"limit", "cursor"}),
        ("create", {"Idempotency-Key"}),
        ("get", {"id", "If-None-Match"}),
        ("replace", {"id", "If-Match"}),
        ("delete", {"id", "If-Match"}),
    ],
)
def test_cursors_versions_and_keys_are_parameters(things: dict[str, Any], operation: str, parameters: set[str]) -> None:
    assert {entry["name"] for entry in things[operation]["parameters"]} == parameters
    assert [entry["name"] for entry in things[operation]["parameters"] if entry.get("required")] == (
        ["id"] if "id" in parameters else []
    )


@pytest.mark.parametrize(
    ("operation", "status", "headers"),
    [
        ("list", "200", {"Link"}),
        ("create", "201", {"ETag", "Location"}),
        ("create", "409", {"Retry-After"}),
        ("get", "200", {"ETag"}),
        ("get", "304", {"ETag"}),
        ("replace", "200", {"ETag"}),
        ("delete", "204", set()),
        ("delete", "412", set()),
        ("delete", "503", {"Retry-After"}),
    ],
)
def test_headers_of_answers_are_declared(
    things: dict[str, Any], operation: str, status: str, headers: set[str]
) -> None:
    assert set(things[operation]["responses"][status].get("headers", ())) == headers


def test_a_document_without_paths() -> None:
    assert "Problem" in complete({}, "/api/v1")["components"]["schemas"]


def test_routes_are_the_applications_own(make_app: MakeApp) -> None:
    """FastAPI matches an included router twice; `include` leaves none behind."""
    router = Router()
    router.add_api_route("/x", lambda: None)
    app = make_app()
    before = len(app.router.routes)
    include(app, [router], "/api/v1")
    assert [getattr(route, "path", None) for route in app.router.routes[before:]] == ["/api/v1/x"]


async def test_overrides_reach_included_routes(make_app: MakeApp) -> None:
    app: FastAPI = make_app()
    router = Router(dependencies=[public])
    router.add_api_route("/x", lambda: None)
    include(app, [router], "/api/v1")
    route: Any = app.router.routes[-1]
    assert route.dependency_overrides_provider is app
