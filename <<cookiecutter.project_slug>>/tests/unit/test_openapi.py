"""The OpenAPI document tells all that can happen."""

import json
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from app.api.openapi import complete, problems
from app.api.routing import Router, include
from app.api.v1.endpoints import health
from app.core.security import public, security_schemes
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
        ("/api/v1/items", "post", {"201", "401", "403", "409", "413", "415", "422", "500", "503"}),
        ("/api/v1/items/{id}", "get", {"200", "404", "422", "500", "503"}),
        ("/api/v1/items/now", "get", {"200", "500", "503"}),
        ("/api/v1/health", "get", {"200"}),
        ("/health", "get", {"200"}),
        ("/ready", "get", {"200", "503"}),
    ],
)
def test_every_answer_is_declared(document: dict[str, Any], path: str, method: str, statuses: set[str]) -> None:
    if not security_schemes():
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
