"""Preflight requests as browsers send them, and what a page may read of an answer."""

import pytest

from app.api.routing import Router
from app.core.security import public
from tests.support.problems import assert_problem
from tests.unit.conftest import ClientOf, MakeApp

ORIGIN = "https://shop.example"


@pytest.fixture
def router() -> Router:
    router = Router(dependencies=[public])

    @router.get("/items/{id}")
    async def get_item(id: int) -> dict[str, int]:
        return {"id": id}

    return router


def preflight(method: str = "GET", headers: str = "authorization", origin: str = ORIGIN) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        "traceparent,tracestate,baggage",
        "authorization,content-type,idempotency-key,if-match,if-none-match,x-request-id",
    ],
)
async def test_preflight_allows_what_the_api_and_tracing_send(
    make_app: MakeApp, client_of: ClientOf, method: str, headers: str
) -> None:
    client = client_of(make_app(backend_cors_origins=[ORIGIN]))
    answer = await client.options("/items/1", headers=preflight(method, headers))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert method in answer.headers["Access-Control-Allow-Methods"].split(", ")
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert set(headers.split(",")) <= set(allowed)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (preflight(origin="https://evil.example"), "Origin https://evil.example is not allowed"),
        (preflight(method="TRACE"), "Method TRACE is not allowed"),
        (preflight(headers="authorization, x-unheard-of"), "Request headers not allowed: x-unheard-of."),
        ({**preflight(), "Access-Control-Request-Private-Network": "true"}, "private network"),
    ],
)
async def test_refused_preflight_is_a_problem_document(
    make_app: MakeApp, client_of: ClientOf, asked: dict[str, str], said: str
) -> None:
    client = client_of(make_app(backend_cors_origins=[ORIGIN]))
    answer = await client.options("/items/1", headers=asked)
    problem = assert_problem(answer, 400, "cors_refused")
    assert said in problem["detail"]
    assert problem["instance"] == "/items/1"
    allowed = answer.headers.get("Access-Control-Allow-Origin")
    assert allowed == (None if asked["Origin"] != ORIGIN else ORIGIN)
    assert "Origin" in answer.headers["Vary"]


async def test_preflight_without_configured_origins_is_a_problem_document(
    make_app: MakeApp, client_of: ClientOf, router: Router
) -> None:
    answer = await client_of(make_app(router)).options("/items/1", headers=preflight())
    assert_problem(answer, 405)
    assert answer.headers["Allow"] == "GET, HEAD"


async def test_pages_may_read_the_headers_of_the_api(make_app: MakeApp, client_of: ClientOf, router: Router) -> None:
    client = client_of(make_app(router, backend_cors_origins=[ORIGIN]))
    answer = await client.get("/items/1", headers={"Origin": ORIGIN})
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert set(exposed) >= {"ETag", "Link", "Location", "Retry-After", "WWW-Authenticate", "X-Request-ID"}
