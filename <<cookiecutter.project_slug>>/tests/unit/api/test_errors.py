"""Errors of every kind, through an application."""

import errno
from collections.abc import Callable
from typing import Annotated, Any

import asyncpg
import pytest
from asyncpg.exceptions import _base as asyncpg_base
from fastapi import Header, Query
from pydantic import BaseModel, Field
from sqlalchemy import exc as sqlalchemy_errors

from app.api.errors import _came_through
from app.api.routing import Router
from app.core.exceptions import Conflict
from app.core.security import public
from tests.support.problems import assert_problem
from tests.unit.conftest import ClientOf, MakeApp

JSON = {"Content-Type": "application/json"}


class Size(BaseModel):
    height: float


class Item(BaseModel):
    name: str = Field(max_length=5)
    count: int = 0
    sizes: list[Size] = []
    extra: dict[str, float] = {}


@pytest.fixture
def router() -> Router:
    router = Router(dependencies=[public])

    @router.get("/items")
    async def list_items(limit: Annotated[int, Query(le=10)] = 1, x_n: Annotated[int, Header()] = 1) -> int:
        return limit

    @router.post("/items")
    async def create_item(item: Item) -> Item:
        return item

    @router.get("/items/{id}")
    async def get_item(id: int) -> int:
        return id

    @router.delete("/items/{id}")
    async def delete_item(id: int) -> None:
        raise Conflict("It is in use.", code="in_use", errors=[{"pointer": "#", "detail": "x"}], headers={"X-Y": "z"})

    return router


def raising(error: BaseException) -> Router:
    router = Router(dependencies=[public])

    @router.get("/raise")
    async def fail() -> None:
        raise error

    return router


async def test_a_problem_keeps_its_detail(make_app: MakeApp, client_of: ClientOf, router: Router) -> None:
    answer = await client_of(make_app(router)).delete("/items/1")
    problem = assert_problem(answer, 409, "in_use")
    assert answer.headers["X-Y"] == "z"
    assert problem == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "It is in use.",
        "instance": "/items/1",
        "code": "in_use",
        "request_id": answer.headers["X-Request-ID"],
        "errors": [{"pointer": "#", "detail": "x"}],
    }


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/name"),
        ({"name": "too long"}, "#/name"),
        ({"name": "x", "count": "many"}, "#/count"),
        ({"name": "x", "sizes": [{"height": 1}, {"height": "x"}]}, "#/sizes/1/height"),
        ({"name": "x", "extra": {"a/b~c": "x"}}, "#/extra/a~1b~0c"),
        ([], "#"),
        (None, "#"),
    ],
)
async def test_faults_of_a_body_are_pointed_at(
    make_app: MakeApp, client_of: ClientOf, router: Router, body: Any, pointer: str
) -> None:
    problem = assert_problem(await client_of(make_app(router)).post("/items", json=body), 422, "invalid")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


async def test_faults_elsewhere_are_named(make_app: MakeApp, client_of: ClientOf, router: Router) -> None:
    client = client_of(make_app(router))
    problem = assert_problem(await client.get("/items?limit=11", headers={"X-N": "x"}), 422)
    places = [(error["in"], error["parameter"]) for error in problem["errors"]]
    assert places == [("query", "limit"), ("header", "x-n")]
    problem = assert_problem(await client.get("/items/x"), 422)
    assert (problem["errors"][0]["in"], problem["errors"][0]["parameter"]) == ("path", "id")


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b'{"name": NaN}',
        b'{"name": "x", "sizes": [{"height": NaN}]}',
        b'{"name": "x", "extra": {"y": Infinity}}',
        b'{"name": "x", "extra": {"y": -Infinity}}',
        b'{"name": "\xff"}',
        b'{"name": "\\ud800"}',
        b'{"name": "x"} more',
        "{'name': 'x'}".encode("utf-16"),
        b"[" * 100_000,
        b"\x00",
    ],
)
async def test_invalid_json_is_reported_with_its_position(
    make_app: MakeApp, client_of: ClientOf, router: Router, content: bytes
) -> None:
    problem = assert_problem(
        await client_of(make_app(router)).post("/items", content=content, headers=JSON), 422, "invalid"
    )
    assert problem["errors"][0]["code"] == "json_invalid"
    assert "is not valid JSON" in problem["errors"][0]["detail"]


async def test_the_input_is_not_repeated(make_app: MakeApp, client_of: ClientOf, router: Router) -> None:
    answer = await client_of(make_app(router)).post("/items", json={"name": "hidden-word"})
    assert "hidden-word" not in answer.text


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", None])
async def test_a_body_of_another_type(
    make_app: MakeApp, client_of: ClientOf, router: Router, media_type: str | None
) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    answer = await client_of(make_app(router)).post("/items", content=b'{"name": "x"}', headers=headers)
    assert_problem(answer, 415, "unsupported_media_type")
    assert answer.headers["Accept"] == "application/json"


@pytest.mark.parametrize(
    "media_type", ["application/json", "application/merge-patch+json", "Application/JSON; charset=utf-8"]
)
async def test_json_by_any_of_its_names(
    make_app: MakeApp, client_of: ClientOf, router: Router, media_type: str
) -> None:
    answer = await client_of(make_app(router)).post(
        "/items", content=b'{"name": "x"}', headers={"Content-Type": media_type}
    )
    assert answer.status_code == 200


async def test_no_body_at_all(make_app: MakeApp, client_of: ClientOf, router: Router) -> None:
    assert_problem(await client_of(make_app(router)).post("/items"), 422)


async def test_allow_lists_the_methods_of_all_routes_at_a_path(
    make_app: MakeApp, client_of: ClientOf, router: Router
) -> None:
    client = client_of(make_app(router, "/api/v1"))
    answer = await client.patch("/api/v1/items/1")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "DELETE, GET, HEAD"
    assert (await client.delete("/api/v1/items")).headers["Allow"] == "GET, HEAD, POST"


async def test_no_redirect_gives_the_inner_host_away(make_app: MakeApp, client_of: ClientOf, router: Router) -> None:
    assert_problem(await client_of(make_app(router)).get("/items/"), 404, "not_found")


@pytest.mark.parametrize("path", ["/%00", "/%ff%fe", "/a%20b", "/ü", "/%3Cscript%3E"])
async def test_the_instance_is_a_uri_reference(make_app: MakeApp, client_of: ClientOf, path: str) -> None:
    problem = assert_problem(await client_of(make_app()).get(path), 404)
    assert problem["instance"].isascii()
    assert not set(problem["instance"]) & set("<> \x00")


def through_asyncpg(error: BaseException) -> Callable[[], None]:
    """`error`, raised from code that looks like asyncpg's."""
    code = compile("def fail():\n    raise error\n", "asyncpg/connect.py", "exec")
    scope: dict[str, Any] = {"__name__": "asyncpg.connect_utils", "error": error}
    exec(code, scope)  # noqa: S102 - a frame with another module's name
    return scope["fail"]


def of_asyncpg(error: BaseException) -> BaseException:
    """`error` as it is after asyncpg has raised it."""
    with pytest.raises(type(error)):
        through_asyncpg(error)()
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (of_asyncpg(ConnectionRefusedError()), "database_unavailable"),
        (of_asyncpg(ConnectionResetError()), "database_unavailable"),
        (of_asyncpg(TimeoutError()), "database_unavailable"),
        (asyncpg.InterfaceError("connection is closed"), "database_unavailable"),
        (asyncpg.AdminShutdownError(), "database_unavailable"),
        (asyncpg.CannotConnectNowError(), "database_unavailable"),
        (asyncpg.TooManyConnectionsError(), "database_unavailable"),
        (sqlalchemy_errors.TimeoutError(), "database_busy"),
        (sqlalchemy_errors.DBAPIError("SELECT", {}, of_asyncpg(ConnectionResetError())), "database_unavailable"),
        (asyncpg.QueryCanceledError(), "database_timeout"),
        (asyncpg.LockNotAvailableError(), "database_timeout"),
        (asyncpg.DeadlockDetectedError(), "contention"),
    ],
)
async def test_a_database_that_does_not_answer_is_an_honest_503(
    make_app: MakeApp, client_of: ClientOf, error: BaseException, code: str
) -> None:
    answer = await client_of(make_app(raising(error))).get("/raise")
    assert_problem(answer, 503, code)
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    "error",
    [
        asyncpg_base.DataError("value out of int32 range"),
        asyncpg.NumericValueOutOfRangeError(),
        asyncpg.CharacterNotInRepertoireError(),
        asyncpg.UntranslatableCharacterError(),
    ],
)
async def test_values_that_a_column_does_not_hold(make_app: MakeApp, client_of: ClientOf, error: BaseException) -> None:
    assert_problem(await client_of(make_app(raising(error))).get("/raise"), 422)


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError("hidden-word"),
        PermissionError("hidden-word"),
        TimeoutError("hidden-word"),  # of another service, say
        ConnectionResetError("hidden-word"),
        asyncpg.PostgresSyntaxError("hidden-word"),
        asyncpg.UndefinedTableError("hidden-word"),
        sqlalchemy_errors.InvalidRequestError("hidden-word"),
        ValueError("hidden-word"),
    ],
)
async def test_faults_of_our_own_stay_500(make_app: MakeApp, client_of: ClientOf, error: BaseException) -> None:
    answer = await client_of(make_app(raising(error))).get("/raise")
    assert_problem(answer, 500, "internal_error")
    assert "hidden-word" not in answer.text


async def test_a_missing_socket_is_the_databases(make_app: MakeApp, client_of: ClientOf) -> None:
    fail = through_asyncpg(FileNotFoundError(errno.ENOENT, "no socket"))
    router = Router(dependencies=[public])

    @router.get("/raise")
    async def endpoint() -> None:
        fail()

    assert_problem(await client_of(make_app(router)).get("/raise"), 503, "database_unavailable")


def test_where_an_error_came_through() -> None:
    assert not _came_through(OSError(), "asyncpg")


async def test_an_unreachable_database_is_counted(make_app: MakeApp, client_of: ClientOf) -> None:
    app = make_app(raising(asyncpg.InterfaceError("connection is closed")))
    await client_of(app).get("/raise")
    text, _ = app.state.metrics.render("")
    assert b'db_client_errors_total{sqlstate="08001"} 1.0' in text


async def test_errors_of_the_database_are_counted(make_app: MakeApp, client_of: ClientOf) -> None:
    app = make_app(raising(asyncpg.DeadlockDetectedError()))
    await client_of(app).get("/raise")
    text, _ = app.state.metrics.render("")
    assert b'db_client_errors_total{sqlstate="40P01"} 1.0' in text
