"""The size of a body, said or not."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.api.routing import Router
from app.core.security import public
from app.middleware.body_limit import BodyLimit
from tests.support.problems import assert_problem
from tests.unit.conftest import ClientOf, MakeApp

LIMIT = 1000
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def router() -> Router:
    router = Router(dependencies=[public])

    @router.post("/echo")
    async def echo(data: dict[str, str]) -> int:
        return len(data["x"])

    return router


def body(size: int) -> bytes:
    return b'{"x":"' + b"y" * (size - 8) + b'"}'


async def in_chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 100):
        yield content[start : start + 100]


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT])
async def test_a_body_up_to_the_limit_is_taken(
    make_app: MakeApp, client_of: ClientOf, router: Router, size: int
) -> None:
    client = client_of(make_app(router, body_limit_bytes=LIMIT))
    assert (await client.post("/echo", content=body(size), headers=JSON)).json() == size - 8
    assert (await client.post("/echo", content=in_chunks(body(size)), headers=JSON)).json() == size - 8


async def test_a_larger_one_is_refused(make_app: MakeApp, client_of: ClientOf, router: Router) -> None:
    client = client_of(make_app(router, body_limit_bytes=LIMIT))
    huge = {**JSON, "Content-Length": "9" * 5000}
    for content, headers in (
        (body(LIMIT + 1), JSON),
        (in_chunks(body(LIMIT + 1)), JSON),
        (in_chunks(body(LIMIT * 50)), JSON),
        (in_chunks(b""), huge),
    ):
        answer = await client.post("/echo", content=content, headers=headers)
        assert str(LIMIT) in assert_problem(answer, 413, "body_too_large")["detail"]


async def test_a_body_longer_than_content_length_is_refused(
    make_app: MakeApp, client_of: ClientOf, router: Router
) -> None:
    client = client_of(make_app(router, body_limit_bytes=LIMIT))
    headers = {**JSON, "Content-Length": "10"}
    assert_problem(await client.post("/echo", content=in_chunks(body(LIMIT + 1)), headers=headers), 413)


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", ""])
async def test_a_length_must_be_a_number(make_app: MakeApp, client_of: ClientOf, router: Router, length: str) -> None:
    client = client_of(make_app(router))
    headers = {**JSON, "Content-Length": length}
    assert_problem(await client.post("/echo", content=in_chunks(b"{}"), headers=headers), 400, "bad_request")


async def never() -> Any:
    await asyncio.sleep(60)


async def gone() -> Any:
    return {"type": "http.disconnect"}


def scope(**changes: Any) -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": "/x", "headers": [], **changes}


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("a place in the service for nothing")

    await BodyLimit(app, limit=10, patience=0.01)(scope(), never, send)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    sent.clear()
    await BodyLimit(app, limit=10, patience=1)(scope(), gone, send)
    assert sent == []


async def test_the_endpoint_sees_the_body_and_then_the_client_leave() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend([await receive(), await receive()])

    messages = iter(
        [
            {"type": "http.request", "body": b"a", "more_body": True},
            {"type": "http.request", "body": b"b", "more_body": True},
            {"type": "http.request"},
            {"type": "http.disconnect"},
        ]
    )

    async def receive() -> Any:
        return next(messages)

    nothing: Any = None
    await BodyLimit(app, limit=10, patience=1)(scope(), receive, nothing)
    assert seen == [{"type": "http.request", "body": b"ab", "more_body": False}, {"type": "http.disconnect"}]


async def test_what_carries_no_body_is_not_looked_at() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(receive)

    receive: Any = object()
    for method in ("GET", "HEAD", "OPTIONS"):
        await BodyLimit(app, limit=1, patience=1)({"type": "http", "method": method, "headers": []}, receive, receive)
    assert seen == [receive] * 3
