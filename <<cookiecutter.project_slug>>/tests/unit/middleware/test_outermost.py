"""Parts common to all responses."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import HTTPException
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from app.api.application import Service
from app.api.docs import PAGE_HEADERS
from app.api.routing import Router
from app.core.exceptions import Unavailable
from app.core.security import public
from app.middleware.outermost import SECURITY_HEADERS_KEY
from tests.support.problems import assert_problem
from tests.unit.conftest import ClientOf, MakeApp

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Item(BaseModel):
    name: str


@pytest.fixture
def router() -> Router:
    router = Router(dependencies=[public])

    @router.get("/items/{id}")
    async def get_item(id: int) -> dict[str, int]:
        return {"id": id}

    @router.post("/items")
    async def create_item(item: Item) -> Item:
        return item

    @router.get("/fail")
    async def fail() -> None:
        raise ZeroDivisionError("hidden-word")

    @router.get("/teapot")
    async def teapot() -> None:
        raise HTTPException(418)

    @router.get("/busy")
    async def busy() -> None:
        raise Unavailable("No.")

    @router.get("/half")
    async def half() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"half"
            raise ZeroDivisionError

        return StreamingResponse(chunks())

    return router


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "/items/1", None, 200),
        ("GET", "/nothing", None, 404),
        ("DELETE", "/items/1", None, 405),
        ("POST", "/items", b"x" * 200, 413),
        ("POST", "/items", b"x", 415),
        ("GET", "/items/x", None, 422),
        ("GET", "/teapot", None, 418),
        ("GET", "/fail", None, 500),
        ("GET", "/busy", None, 503),
    ],
)
async def test_every_answer_has_an_id_and_the_security_headers(
    make_app: MakeApp, client_of: ClientOf, router: Router, method: str, path: str, content: bytes | None, status: int
) -> None:
    client = client_of(make_app(router, body_limit_bytes=100))
    answer = await client.request(method, path, content=content, headers={"X-Request-ID": "mine-1"})
    assert answer.status_code == status
    assert answer.headers.get_list("X-Request-ID") == ["mine-1"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "Strict-Transport-Security" not in answer.headers
    if status >= 400:
        assert_problem(answer, status)
    other = await client.request(method, path, content=content, headers={"X-Request-ID": "not harmless"})
    assert re.fullmatch("[0-9a-f]{32}", other.headers["X-Request-ID"])


async def test_a_failure_tells_nothing_of_its_cause(make_app: MakeApp, client_of: ClientOf, router: Router) -> None:
    answer = await client_of(make_app(router)).get("/fail")
    assert_problem(answer, 500, "internal_error")
    assert "hidden-word" not in answer.text


async def test_a_layer_that_fails_is_answered_for_as_well(make_app: MakeApp, client_of: ClientOf) -> None:
    app = make_app()
    app.build_middleware_stack()

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError

    outermost: Any = app.build_middleware_stack()
    outermost.app = broken
    app.middleware_stack = outermost
    assert_problem(await client_of(app).get("/"), 500, "internal_error")


async def test_a_client_that_has_gone_is_counted_as_such(make_app: MakeApp) -> None:
    app = make_app()

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError("there is nobody to tell")

    scope = {"type": "http", "method": "POST", "path": "/x", "headers": [], "query_string": b""}
    await app(scope, gone, send)
    assert samples(app) == {("POST", "", "499"): 1}


async def test_half_an_answer_ends_in_a_broken_connection(
    make_app: MakeApp, client_of: ClientOf, router: Router
) -> None:
    with pytest.raises(ZeroDivisionError):
        await client_of(make_app(router)).get("/half")


async def test_a_draining_service_asks_its_clients_to_leave(
    make_app: MakeApp, client_of: ClientOf, router: Router
) -> None:
    app = make_app(router)
    client = client_of(app)
    assert "Connection" not in (await client.get("/items/1")).headers
    app.state.lifecycle.draining = True
    for path, status in (("/items/1", 200), ("/nothing", 404), ("/fail", 500)):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["Connection"]) == (status, "close")


async def test_a_page_brings_headers_of_its_own(make_app: MakeApp, client_of: ClientOf) -> None:
    app = make_app()

    async def page(request: Any) -> Response:
        request.scope[SECURITY_HEADERS_KEY] = PAGE_HEADERS
        return Response("x")

    app.add_route("/page", page)
    answer = await client_of(app).get("/page")
    assert answer.headers.get_list("Content-Security-Policy") == [
        dict(PAGE_HEADERS)[b"content-security-policy"].decode()
    ]


def samples(app: Service) -> dict[tuple[str, ...], float]:
    """Return the counts of requests, by method, route and status."""
    names = ("http_request_method", "http_route", "http_response_status_code")
    return {
        tuple(sample.labels[name] for name in names): sample.value
        for family in app.state.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "http_server_request_duration_seconds_count"
    }


async def test_requests_are_counted_by_template(make_app: MakeApp, client_of: ClientOf, router: Router) -> None:
    app = make_app(router, "/api/v1")
    client = client_of(app)
    for path in ("/api/v1/items/1", "/api/v1/items/2", "/api/v1/items/x", "/no/1", "/no/2", "/health"):
        await client.get(path)
    await client.request("BREW", "/api/v1/items/1")
    await client.request("STEEP", "/api/v1/items/1")
    assert samples(app) == {
        ("GET", "/api/v1/items/{id}", "200"): 2,
        ("GET", "/api/v1/items/{id}", "422"): 1,
        ("GET", "", "404"): 2,
        ("_OTHER", "/api/v1/items/{id}", "405"): 2,
    }


async def test_requests_in_progress_are_counted(make_app: MakeApp, client_of: ClientOf, router: Router) -> None:
    app = make_app(router)
    seen = []

    @router.get("/now")
    async def now() -> None:
        seen.append(app.state.metrics.active_requests)

    app.router.routes.append(router.routes[-1])
    client = client_of(app)
    await asyncio.gather(client.get("/now"), client.get("/fail"))
    assert seen[0] >= 1
    assert app.state.metrics.active_requests == 0


@pytest.mark.parametrize("status", [200, 500])
async def test_one_line_a_request(
    make_app: MakeApp, client_of: ClientOf, router: Router, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    # Staging for the JSON, with settings that are allowed there.
    app = make_app(router, ENVIRONMENT="staging", log_level="INFO")
    path = "/items/1" if status == 200 else "/fail"
    await client_of(app).get(f"{path}?token=hidden-word", headers={"X-Request-ID": "r-1", "traceparent": TRACEPARENT})
    output = capsys.readouterr().out
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line["event"] == "request"]
    assert line | {"timestamp": "", "duration_ms": 0} == {
        "timestamp": "",
        "level": "info" if status == 200 else "error",
        "event": "request",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "parent_id": "00f067aa0ba902b7",
        "request_id": "r-1",
        "method": "GET",
        "path": path,
        "route": "/items/{id}" if status == 200 else "/fail",
        "status": status,
        "duration_ms": 0,
        "client": "127.0.0.1",
    }
    assert "hidden-word" not in json.dumps(line)


async def test_probes_leave_no_line(make_app: MakeApp, client_of: ClientOf, capsys: pytest.CaptureFixture[str]) -> None:
    app = make_app(ENVIRONMENT="staging", log_level="INFO")
    await client_of(app).get("/health")
    assert '"event":"request"' not in capsys.readouterr().out


async def test_https_is_for_good_outside_of_development(make_app: MakeApp, client_of: ClientOf) -> None:
    answer = await client_of(make_app(ENVIRONMENT="staging")).get("/")
    assert "max-age" in answer.headers["Strict-Transport-Security"]


async def test_origins_are_denied_unless_named(make_app: MakeApp, client_of: ClientOf, router: Router) -> None:
    origin = {"Origin": "https://shop.example"}
    closed = client_of(make_app(router))
    assert "Access-Control-Allow-Origin" not in (await closed.get("/items/1", headers=origin)).headers
    named = client_of(make_app(router, backend_cors_origins=["https://shop.example"], max_concurrency=1))
    for path in ("/items/1", "/fail"):
        answer = await named.get(path, headers=origin)
        assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
        assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]
    other = await named.get("/items/1", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other.headers
