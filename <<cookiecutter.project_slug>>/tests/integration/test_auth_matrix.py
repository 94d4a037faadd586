"""Permissions of callers, for every operation of the OpenAPI document."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi import APIRouter, FastAPI
from httpx2 import ASGITransport, AsyncClient, Response

from app.api.routing import Router, include
from app.commands import token
from app.core.security import SCHEME_NAME, all_scopes, public, refuse_unprotected, requires, unprotected_routes
from app.main import create_app
from tests.conftest import ClientAs
from tests.support.identity import OWN, PUBLIC
from tests.support.problems import assert_problem


def operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path (with an id that does not exist) and operation."""
    for path, entries in app.openapi()["paths"].items():
        for method, operation in entries.items():
            yield method.upper(), path.format(id=uuid4()), operation


def scopes_of(operation: dict[str, Any]) -> list[str]:
    [requirement] = operation["security"]
    scopes: list[str] = requirement[SCHEME_NAME]
    return scopes


def guarded(app: FastAPI) -> list[tuple[str, str, dict[str, Any]]]:
    return [entry for entry in operations(app) if "security" in entry[2] and entry[2]["operationId"] not in OWN]


async def call(client: AsyncClient, method: str, path: str) -> Response:
    return await client.request(method, path, json=None if method in ("GET", "DELETE") else {})


async def test_only_probes_are_public(app: FastAPI) -> None:
    assert {entry["operationId"] for _, _, entry in operations(app) if "security" not in entry} == PUBLIC


async def test_only_operations_on_the_callers_own_require_no_scope(app: FastAPI) -> None:
    required = {entry["operationId"]: scopes_of(entry) for _, _, entry in operations(app) if "security" in entry}
    assert {name for name, scopes in required.items() if not scopes} == OWN


async def test_every_other_operation_requires_one_scope(app: FastAPI) -> None:
    for method, path, operation in guarded(app):
        [scope] = scopes_of(operation)
        resource = path.removeprefix(app.state.settings.api_v1_str).split("/")[1]
        assert scope == f"{resource}:{'read' if method == 'GET' else 'write'}"


async def test_without_a_token(app: FastAPI) -> None:
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        for method, path, _ in guarded(app):
            answer = await call(client, method, path)
            assert_problem(answer, 401, "token_missing")
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        for method, path, operation in operations(app):
            if operation["operationId"] in ("health", "api_health"):
                assert (await call(client, method, path)).status_code == 200


async def test_with_every_scope_but_its_own(app: FastAPI, client_as: ClientAs) -> None:
    for method, path, operation in guarded(app):
        own = scopes_of(operation)
        answer = await call(client_as(*(scope for scope in all_scopes(app) if scope not in own)), method, path)
        assert_problem(answer, 403)
        assert answer.headers["WWW-Authenticate"] == f'Bearer error="insufficient_scope", scope="{own[0]}"'


async def test_with_no_scope_at_all(app: FastAPI, client_as: ClientAs) -> None:
    for method, path, _ in guarded(app):
        assert_problem(await call(client_as(), method, path), 403)


async def test_with_just_its_scope(app: FastAPI, client_as: ClientAs) -> None:
    for method, path, operation in guarded(app):
        answer = await call(client_as(*scopes_of(operation)), method, path)
        assert answer.status_code in (200, 201, 404, 422), answer.text


async def test_with_the_token_that_the_command_prints(app: FastAPI, capsys: pytest.CaptureFixture[str]) -> None:
    assert token.main(["--all"]) == 0
    headers = {"Authorization": f"Bearer {capsys.readouterr().out.strip()}"}
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test", headers=headers) as client:
        for method, path, _ in guarded(app):
            assert (await call(client, method, path)).status_code in (200, 201, 404, 422)
    assert token.main([]) == 1


@pytest.mark.parametrize("scope", ["read", "products", ":read", "*", "*:*", "READ", "x y"])
async def test_scopes_have_no_wildcards(app: FastAPI, client_as: ClientAs, scope: str) -> None:
    for method, path, _ in guarded(app):
        assert (await call(client_as(scope), method, path)).status_code == 403


# Negative controls: what the tests above and the start itself would notice.


async def nothing() -> None: ...


async def test_a_route_of_another_kind_is_noticed(app: FastAPI) -> None:
    """FastAPI's own router requires no token, so the service does not start with it."""
    router = APIRouter()
    router.add_api_route("/open", nothing)
    router.add_api_route("/asks", nothing, dependencies=[requires("things:read")])
    router.add_api_route("/said", nothing, dependencies=[public])
    other, prefix = create_app(), app.state.settings.api_v1_str
    include(other, [router], prefix)
    assert unprotected_routes(other, prefix) == [f"GET {prefix}/open"]
    with pytest.raises(RuntimeError, match=f"GET {prefix}/open"):
        refuse_unprotected(other, prefix)
    refuse_unprotected(app, prefix)


async def test_a_route_without_a_declaration_requires_a_token(app: FastAPI, client_as: ClientAs) -> None:
    router = Router()
    router.add_api_route("/silent", nothing)
    other, prefix = create_app(), app.state.settings.api_v1_str
    include(other, [router], prefix)
    async with AsyncClient(transport=ASGITransport(other), base_url="http://test") as client:
        assert_problem(await client.get(f"{prefix}/silent"), 401)


async def test_a_public_operation_would_be_noticed(app: FastAPI) -> None:
    router = Router()
    router.add_api_route("/open", nothing, dependencies=[public], operation_id="open")
    other = create_app()
    include(other, [router], app.state.settings.api_v1_str)
    with pytest.raises(AssertionError):
        await test_only_probes_are_public(other)
