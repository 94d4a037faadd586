"""HEAD is answered as GET is, without the body (RFC 9110, 9.3.2)."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from app.api import docs
from app.api.routing import Router
from app.api.v1.endpoints import health
from app.core.security import public
from tests.unit.conftest import ClientOf, MakeApp
from tests.unit.middleware.test_outermost import samples


@pytest.fixture
def router() -> Router:
    router = Router(dependencies=[public])

    @router.get("/items/{id}")
    async def get_item(id: int) -> Response:
        return Response(b"x" * id, headers={"ETag": '"1"'})

    @router.post("/items")
    async def create_item() -> None:
        raise AssertionError("HEAD is not POST")

    @router.get("/stream")
    async def stream() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b"chunk"
                await asyncio.sleep(0)

        return StreamingResponse(chunks())

    @router.get("/fail")
    async def fail() -> None:
        raise ZeroDivisionError

    return router


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/health", 200),
        ("/api/v1/health", 200),
        ("/ready", 503),
        ("/metrics", 200),
        ("/docs", 200),
        ("/openapi.json", 200),
        ("/items/7", 200),
        ("/items/x", 422),
        ("/items", 405),
        ("/stream", 200),
        ("/fail", 500),
        ("/nothing", 404),
    ],
)
async def test_head_is_get_without_the_body(
    make_app: MakeApp, client_of: ClientOf, router: Router, path: str, status: int
) -> None:
    app = make_app(router)
    health.install(app)
    docs.install(app)
    client = client_of(app)
    got, head = await client.get(path), await client.head(path)
    assert (got.status_code, head.status_code) == (status, status)
    assert head.content == b""
    # Of another length: the figures of /metrics, and the detail of a 405, which names the method.
    differ = {"x-request-id"} | ({"content-length"} if status == 405 or path == "/metrics" else set())
    of_get, of_head = ({k: v for k, v in each.headers.items() if k not in differ} for each in (got, head))
    assert of_head == of_get


async def test_head_is_counted_as_head_with_its_route(make_app: MakeApp, client_of: ClientOf, router: Router) -> None:
    app = make_app(router, "/api/v1")
    await client_of(app).head("/api/v1/items/3")
    assert samples(app) == {("HEAD", "/api/v1/items/{id}", "200"): 1}


async def test_routes_of_a_plain_router_answer_head(make_app: MakeApp, client_of: ClientOf) -> None:
    plain = APIRouter()

    @plain.get("/plain")
    async def own() -> dict[str, bool]:
        return {"own": True}

    answer = await client_of(make_app(plain)).head("/plain")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(b'{"own":true}'))


async def test_the_document_lists_no_head(make_app: MakeApp, router: Router) -> None:
    operations = make_app(router).openapi()["paths"]["/items/{id}"]
    assert list(operations) == ["get"]
