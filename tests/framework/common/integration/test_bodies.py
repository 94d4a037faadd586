"""Invalid bodies: each gets a problem, never a 5xx, and nothing is stored."""

import json
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from tests.support.problems import assert_problem
from tests.support.resources import fields_of

JSON = {"Content-Type": "application/json"}
NOT_JSON = {
    "nothing": b"",
    "white space": b" \n",
    "half": b'{"name": "x"',
    "NaN": b'{"name": NaN}',
    "Infinity": b'{"name": Infinity}',
    "minus Infinity": b'{"name": -Infinity}',
    "a float beyond all": b'{"name": 1e999999}',
    "a literal NUL": b'{"name": "\x00"}',
    "a control character": b'{"name": "\x01"}',
    "no UTF-8": b'{"name": "\xff\xfe"}',
    "an overlong NUL": b'{"name": "\xc0\x80"}',
    "an encoded surrogate": b'{"name": "\xed\xa0\x80"}',
    "a lone surrogate": b'{"name": "\\ud800"}',
    "half a pair": b'{"name": "\\udc00\\ud800"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"name": "x"}',
    "two documents": b"{}{}",
    "a comment": b'{"name": "x"} // x',
    "single quotes": b"{'name': 'x'}",
    "a comma too many": b'{"name": "x",}',
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "deep and closed": b"[" * 50_000 + b"]" * 50_000,
}
NO_OBJECT: dict[str, Any] = {"null": None, "a list": [], "a text": "{}", "a number": 1, "true": True}
# None of these is taken by any field's type as it stands, or else it is legal: both are well.
VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "a list": [],
    "an object": {},
    "nothing": "",
    "space": " ",
    "NUL": "\x00",
    "NUL inside": "a\x00b",
    "NUL deep inside": {"a": ["\x00", {"\x00": 1}]},
    "long": "x" * 100_000,
    "wide": "\U0001f600" * 300,
    "beyond 32 bits": 2**31,
    "beyond 64 bits": 2**63,
    "far below": -(2**63) - 1,
    "far beyond": 10**400,
    "many digits": "9" * 5000,
    "many decimals": "0." + "1" * 5000,
    "an exponent": "1e400",
    "tiny": 5e-324,
    "huge": 1.7976931348623157e308,
    "minus zero": -0.0,
    "a fraction": 1.0000000000000002,
    "the year 0": "0000-01-01",
    "the year 10000": "10000-01-01",
    "the year 0 as a moment": "0000-01-01T00:00:00Z",
    "before the year 1 in UTC": "0001-01-01T00:00:00+14:00",
    "after the year 9999 in UTC": "9999-12-31T23:59:59-14:00",
    "no such day": "2026-02-30",
    "a leap second": "2016-12-31T23:59:60Z",
    "no time zone": "2026-01-31T12:00:00",
    "a zone of a day": "2026-01-31T12:00:00+24:00",
    "a Unix time": "0",
    "a Unix time in years to come": 10**18,
    "infinity": "infinity",
    "nan": "nan",
    "an id without hyphens": "01890a5dac96774bbcceb302099a8057",
    "an id in braces": "{01890a5d-ac96-774b-bcce-b302099a8057}",
    "deep": json.loads("[" * 900 + "]" * 900),
}


@pytest.fixture(params=["POST", "PUT", "PATCH"])
async def send(request: pytest.FixtureRequest, client: AsyncClient, first_resource: ModuleType) -> AsyncIterator[Any]:
    """Sends a body as it is, by each method that has one; afterwards nothing has changed."""
    method = request.param
    created = await first_resource.create(client)
    one = f"{first_resource.PATH}/{created['id']}"

    async def send(content: Any, headers: dict[str, str]) -> Response:
        return await client.request(
            method, first_resource.PATH if method == "POST" else one, content=content, headers=headers
        )

    yield send
    assert (await client.get(first_resource.PATH)).json()["items"] == [created]


@pytest.mark.parametrize("content", NOT_JSON.values(), ids=NOT_JSON)
async def test_no_json(send: Any, content: bytes) -> None:
    problem = assert_problem(await send(content, JSON), 422)
    assert problem["errors"][0]["pointer"] == "#"


@pytest.mark.parametrize("value", NO_OBJECT.values(), ids=NO_OBJECT)
async def test_no_object(send: Any, value: Any) -> None:
    assert_problem(await send(json.dumps(value).encode(), JSON), 422)


async def test_a_member_that_is_not_known(send: Any) -> None:
    problem = assert_problem(await send(b'{"no_such/member~": 1}', JSON), 422)
    assert "#/no_such~1member~0" in [error.get("pointer") for error in problem["errors"]]


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "text/json",
        "json",
        ";;;",
        "",
        "application/jsonp",
    ],
)
async def test_another_media_type(send: Any, media_type: str) -> None:
    answer = await send(b"{}", {"Content-Type": media_type})
    assert_problem(answer, 415, "unsupported_media_type")
    assert answer.headers["Accept"] == "application/json"


async def test_no_media_type(send: Any) -> None:
    assert_problem(await send(b"{}", {}), 415, "unsupported_media_type")


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON", "application/x+json"])
async def test_other_names_of_json(client: AsyncClient, first_resource: ModuleType, media_type: str) -> None:
    body = json.dumps(await first_resource.body(client)).encode()
    answer = await client.post(first_resource.PATH, content=body, headers={"Content-Type": media_type})
    assert answer.status_code == 201


async def test_too_large(send: Any, app: FastAPI) -> None:
    limit = app.state.settings.body_limit_bytes
    assert_problem(await send(b'"' + b"x" * limit + b'"', JSON), 413, "body_too_large")
    assert_problem(await send(b"{}", {**JSON, "Content-Length": str(limit + 1)}), 413, "body_too_large")
    assert_problem(await send(b"{}", {**JSON, "Content-Length": "9" * 5000}), 413, "body_too_large")

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(limit // 1000 + 1):
            yield b"x" * 1000

    assert_problem(await send(chunks(), JSON), 413, "body_too_large")
    # As large as may be: read, and found to be no object.
    assert_problem(await send(b'"' + b"x" * (limit - 2) + b'"', JSON), 422)


@pytest.mark.parametrize("length", ["x", "-1", "+2", "2, 2", ""])
async def test_a_length_that_is_no_number(send: Any, length: str) -> None:
    assert_problem(await send(b"{}", {**JSON, "Content-Length": length}), 400)


async def test_of_a_member_that_is_there_twice_the_last_counts(client: AsyncClient, first_resource: ModuleType) -> None:
    """RFC 8259, 4, leaves it open; here as in every browser."""
    body = await first_resource.body(client)
    name = next(iter(body))
    content = json.dumps(body).replace("{", '{"' + name + '": [],', 1).encode()
    assert (await client.post(first_resource.PATH, content=content, headers=JSON)).status_code == 201


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
async def test_any_value_in_any_field(client: AsyncClient, app: FastAPI, resource: ModuleType, value: Any) -> None:
    body = await resource.body(client)
    created = await resource.create(client)
    one = f"{resource.PATH}/{created['id']}"
    for name in fields_of(app, resource):
        changed = {**body, name: value}
        for answer in (
            await client.post(resource.PATH, json=changed),
            await client.put(one, json=changed),
            await client.patch(one, json={name: value}),
        ):
            if answer.status_code == 409:  # a reference to nothing, or a value that is taken
                assert_problem(answer, 409)
            elif answer.status_code not in (200, 201):
                problem = assert_problem(answer, 422)
                # 10**400 is not accepted as JSON, in any place.
                assert problem["errors"][0]["pointer"].startswith("#" if value == VALUES["far beyond"] else f"#/{name}")
