"""ETag, If-Match and If-None-Match (RFC 9110, 13.1)."""

import asyncio
from types import ModuleType

import pytest
from httpx2 import AsyncClient, Response

from tests.support.problems import assert_problem

NO_MATCH = [
    '"7"',
    'W/"1"',  # a strong comparison: a weak tag never matches
    "1",
    '"1',
    '"abc"',
    '""',
    "",
    ",",
    '"7", "8"',
    '"-1"',
    '"1e0"',
    f'"{"9" * 40}"',
    '"7" "1"',
    "null",
    "\t",
    '"' + "1" * 8000 + '"',
]
MATCH = ['"1"', "*", ' "1" ', '"7", "1"', '"1","1"', 'W/"7", "1"']


@pytest.mark.parametrize("tag", MATCH)
async def test_if_match_lets_pass(client: AsyncClient, first_resource: ModuleType, tag: str) -> None:
    one, body = await make(client, first_resource)
    changed = await client.put(one, json=body, headers={"If-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] == '"2"'


@pytest.mark.parametrize("tag", NO_MATCH, ids=lambda tag: tag[:12])
async def test_if_match_stops(client: AsyncClient, first_resource: ModuleType, tag: str) -> None:
    one, body = await make(client, first_resource)
    headers = {"If-Match": tag}
    assert_problem(await client.put(one, json=body, headers=headers), 412, "precondition_failed")
    assert_problem(await client.patch(one, json={}, headers=headers), 412, "precondition_failed")
    assert_problem(await client.delete(one, headers=headers), 412, "precondition_failed")
    assert (await client.get(one)).headers["ETag"] == '"1"'


@pytest.mark.parametrize("tag", ["*", '"1"', 'W/"1"', '"7", "1"', '"7",W/"1"'])
async def test_if_none_match_saves_the_body(client: AsyncClient, first_resource: ModuleType, tag: str) -> None:
    one, _ = await make(client, first_resource)
    answer = await client.get(one, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["ETag"] == '"1"'


@pytest.mark.parametrize(
    "tag", ['"2"', 'W/"7"', "1", '"1', "", ",", "\t", '"' + "1" * 8000 + '"'], ids=lambda tag: tag[:8]
)
async def test_if_none_match_of_another(client: AsyncClient, first_resource: ModuleType, tag: str) -> None:
    one, _ = await make(client, first_resource)
    assert (await client.get(one, headers={"If-None-Match": tag})).status_code == 200


async def test_if_none_match_of_anything_stops_a_change(client: AsyncClient, first_resource: ModuleType) -> None:
    one, body = await make(client, first_resource)
    headers = {"If-None-Match": "*"}
    assert_problem(await client.put(one, json=body, headers=headers), 412, "precondition_failed")
    assert_problem(await client.patch(one, json=body, headers=headers), 412, "precondition_failed")
    assert_problem(await client.delete(one, headers=headers), 412, "precondition_failed")
    assert (await client.get(one)).headers["ETag"] == '"1"'
    missing = one[:-12] + "000000000000"
    assert_problem(await client.put(missing, json=body, headers=headers), 404, "not_found")


async def test_every_change_has_a_tag_of_its_own(client: AsyncClient, resource: ModuleType) -> None:
    one, body = await make(client, resource)
    tags = [(await client.get(one)).headers["ETag"]]
    for change in (client.put(one, json=body), client.patch(one, json=body)):
        tags.append((await change).headers["ETag"])
    assert len(set(tags)) == len(tags)
    # A patch without a member changes nothing.
    assert (await client.patch(one, json={})).headers["ETag"] == tags[-1]
    assert (await client.get(one)).headers["ETag"] == tags[-1]


async def test_of_two_changes_at_once_one_is_lost_without_if_match_and_none_with_it(
    own_client: AsyncClient, first_resource: ModuleType
) -> None:
    one, body = await make(own_client, first_resource)

    async def change(headers: dict[str, str]) -> Response:
        return await own_client.put(one, json=body, headers=headers)

    guarded = await asyncio.gather(*(change({"If-Match": '"1"'}) for _ in range(5)))
    assert sorted(answer.status_code for answer in guarded) == [200, 412, 412, 412, 412]
    careless = await asyncio.gather(*(change({}) for _ in range(5)))
    assert [answer.status_code for answer in careless] == [200] * 5
    assert (await own_client.get(one)).headers["ETag"] == '"7"'


async def make(client: AsyncClient, resource: ModuleType) -> tuple[str, dict[str, object]]:
    """The path of a new one, and the body that it was made from."""
    body = await resource.body(client)
    created = await client.post(resource.PATH, json=body)
    assert created.status_code == 201, created.text
    assert created.headers["ETag"] == '"1"'
    return created.headers["Location"], body


async def test_head_answers_as_get_does(client: AsyncClient, resource: ModuleType) -> None:
    created = await resource.create(client)
    one = f"{resource.PATH}/{created['id']}"
    for path, headers in ((one, {}), (one, {"If-None-Match": '"1"'}), (resource.PATH, {}), (f"{one[:-1]}x", {})):
        got, head = await client.get(path, headers=headers), await client.head(path, headers=headers)
        assert head.status_code == got.status_code
        assert head.content == b""
        for name in ("ETag", "Content-Type", "Content-Length", "Link"):
            assert head.headers.get(name) == got.headers.get(name)
