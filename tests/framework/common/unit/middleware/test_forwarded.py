"""Behind a proxy that takes a prefix off the path: what clients see carries it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from fastapi import Request, Response
from httpx2 import ASGITransport, AsyncClient

from app.api import docs
from app.api.routing import Router
from app.api.v1.endpoints import health
from app.core.config import Settings
from app.core.security import public
from app.lifecycle import Lifecycle
from app.middleware.forwarded import Forwarded
from app.request_context import route_path
from app.server.draining import make_server
from tests.support.problems import assert_problem
from tests.unit.conftest import MakeApp
from tests.unit.middleware.test_outermost import samples

PROXY, CLIENT = "10.1.2.3", "203.0.113.9"
Behind = Callable[..., AsyncClient]


@pytest.fixture
def router() -> Router:
    router = Router(dependencies=[public])

    @router.get("/items")
    async def seen(request: Request) -> dict[str, Any]:
        client = request.client
        return {
            "path": request.url.path,
            "item": str(request.url_for("item", id="7")),
            "scheme": request.url.scheme,
            "client": client.host if client else None,
        }

    @router.get("/items/{id}", name="item")
    async def item(id: str) -> Response:
        return Response(id)

    return router


@pytest.fixture
async def behind(make_app: MakeApp, router: Router) -> AsyncIterator[Behind]:
    """A client by way of a proxy: `behind(peer, root_path="/shop")`; the prefix is off the path already."""
    async with AsyncExitStack() as stack:

        def make(peer: str = PROXY, **settings: Any) -> AsyncClient:
            app = make_app(router)
            health.install(app)
            docs.install(app)
            values: dict[str, Any] = {"host": "::", **settings}
            served = make_server(app, Settings(**values), Lifecycle()).config.app
            assert isinstance(served, Forwarded)
            client = AsyncClient(transport=ASGITransport(served, client=(peer, 1)), base_url="http://test")
            client.app = app  # type: ignore[attr-defined]
            stack.push_async_callback(client.aclose)
            return client

        yield make


@pytest.mark.parametrize(
    ("settings", "given", "prefix"),
    [
        ({}, None, ""),
        ({"root_path": "/shop"}, None, "/shop"),
        ({"root_path": "/shop/"}, None, "/shop"),
        ({"root_path": "/"}, None, ""),
        ({}, "/shop", ""),
        ({"root_path": "/shop"}, "/evil", "/shop"),
        ({"forwarded_allow_ips": PROXY}, "/shop", "/shop"),
        ({"forwarded_allow_ips": "10.0.0.0/8"}, "/shop/", "/shop"),
        ({"forwarded_allow_ips": "*"}, "/eu, /shop", "/eu/shop"),
        ({"forwarded_allow_ips": "*", "root_path": "/old"}, "/new", "/new"),
        ({"forwarded_allow_ips": "*", "root_path": "/shop"}, "/", "/shop"),
        ({"forwarded_allow_ips": "*"}, "//evil.example", ""),
        ({"forwarded_allow_ips": "*"}, "https://evil.example", ""),
        ({"forwarded_allow_ips": "*"}, '/"><script>', ""),
        ({"forwarded_allow_ips": "192.0.2.1"}, "/shop", ""),
    ],
)
async def test_the_prefix_that_clients_see(
    behind: Behind, settings: dict[str, str], given: str | None, prefix: str
) -> None:
    client = behind(**settings)
    headers = {} if given is None else {"X-Forwarded-Prefix": given}
    seen = (await client.get("/items", headers=headers)).json()
    assert (seen["path"], seen["item"]) == (f"{prefix}/items", f"http://test{prefix}/items/7")
    missing = await client.get("/nothing", headers=headers)
    assert assert_problem(missing, 404)["instance"] == f"{prefix}/nothing"
    assert (await client.delete("/items", headers=headers)).headers["Allow"] == "GET, HEAD"
    document = (await client.get("/openapi.json", headers=headers)).json()
    assert document.get("servers") == ([{"url": prefix}] if prefix else None)


async def test_the_prefix_is_of_the_request_not_of_the_document(behind: Behind) -> None:
    client = behind(forwarded_allow_ips="*")
    for prefix in ("/a", "/b"):
        document = (await client.get("/openapi.json", headers={"X-Forwarded-Prefix": prefix})).json()
        assert document["servers"] == [{"url": prefix}]
    assert "servers" not in (await client.get("/openapi.json")).json()


async def test_pages_refer_to_their_files_by_relative_addresses(behind: Behind) -> None:
    client = behind(root_path="/shop")
    for page in ("/docs", "/redoc"):
        text = (await client.get(page)).text
        assert 'src="/' not in text
        assert 'href="/' not in text
        assert "docs/assets/" in text
    assert 'url: "openapi.json"' in (await client.get("/docs/assets/swagger-start.js")).text


async def test_probes_stay_quiet_and_routes_are_counted_without_the_prefix(behind: Behind) -> None:
    client = behind(root_path="/shop")
    for path in ("/health", "/ready", "/metrics", "/items/7"):
        await client.get(path)
    assert samples(client.app) == {("GET", "/items/{id}", "200"): 1}  # type: ignore[attr-defined]


async def test_scheme_and_client_of_a_trusted_proxy(behind: Behind) -> None:
    headers = {"X-Forwarded-For": CLIENT, "X-Forwarded-Proto": "https"}
    seen = (await behind(forwarded_allow_ips="10.0.0.0/8").get("/items", headers=headers)).json()
    assert (seen["scheme"], seen["client"]) == ("https", CLIENT)
    seen = (await behind(CLIENT, forwarded_allow_ips="10.0.0.0/8").get("/items", headers=headers)).json()
    assert (seen["scheme"], seen["client"]) == ("http", CLIENT)


async def test_an_ipv4_proxy_is_known_on_a_socket_for_both_families(behind: Behind) -> None:
    client = behind(f"::ffff:{PROXY}", forwarded_allow_ips="10.0.0.0/8")
    seen = (await client.get("/items", headers={"X-Forwarded-Prefix": "/shop"})).json()
    assert (seen["path"], seen["client"]) == ("/shop/items", PROXY)


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ({"path": "/a"}, "/a"),
        ({"path": "/a", "root_path": ""}, "/a"),
        ({"path": "/shop/a", "root_path": "/shop"}, "/a"),
        ({"path": "/shop/shop/a", "root_path": "/shop"}, "/shop/a"),
    ],
)
def test_the_path_that_routes_know(scope: dict[str, str], path: str) -> None:
    assert route_path(scope) == path
