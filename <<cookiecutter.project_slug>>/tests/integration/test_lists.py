"""Lists: pages by cursor, and what becomes of parameters that do not fit."""

import base64
import json
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.core.database import Database
from tests.factories import FACTORIES
from tests.support.problems import assert_problem
from tests.support.resources import crud_of, run_sql, table_of

DEEP = 45


async def pages(client: AsyncClient, path: str, **query: Any) -> list[list[str]]:
    """The ids of every page, followed by the `next` of the one before."""
    found: list[list[str]] = []
    while True:
        response = await client.get(path, params=query)
        assert response.status_code == 200, response.text
        page = response.json()
        found.append([item["id"] for item in page["items"]])
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]


async def first_page(client: AsyncClient, resource: ModuleType, **query: Any) -> Response:
    for _ in range(3):
        await resource.create(client)
    response = await client.get(resource.PATH, params={"limit": 2, **query})
    assert response.json()["next"]
    return response


def sorts_of(app: FastAPI, resource: ModuleType) -> list[str]:
    parameters = app.openapi()["paths"][resource.PATH]["get"]["parameters"]
    names: list[str] = next(each["schema"]["enum"] for each in parameters if each["name"] == "sort")
    return names


async def test_pages_are_full_and_in_order_however_deep(
    client: AsyncClient, app: FastAPI, resource: ModuleType
) -> None:
    made = {(await resource.create(client))["id"] for _ in range(DEEP)}
    for sort in sorts_of(app, resource):
        found = await pages(client, resource.PATH, sort=sort, limit=4)
        assert [len(page) for page in found] == [4] * (DEEP // 4) + [DEEP % 4]
        ids = [id for page in found for id in page]
        assert set(ids) == made
        at_once = (await client.get(resource.PATH, params={"sort": sort, "limit": 100})).json()["items"]
        assert ids == [item["id"] for item in at_once]


@pytest.mark.parametrize("sort", ["created_at", "-created_at"])
async def test_rows_that_come_and_go_meanwhile_disturb_no_page(
    client: AsyncClient, first_resource: ModuleType, sort: str
) -> None:
    there = [(await first_resource.create(client))["id"] for _ in range(6)]
    seen: list[str] = []
    query: dict[str, Any] = {"sort": sort, "limit": 2}
    while True:
        page = (await client.get(first_resource.PATH, params=query)).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
        await first_resource.create(client)
        # The row that the cursor stands on goes too: a cursor is a place, not a row.
        assert (await client.delete(f"{first_resource.PATH}/{page['items'][-1]['id']}")).status_code == 204
        if len(seen) >= 6 and sort == "created_at":
            break  # ascending, the new ones come at the end, and there is always one more
    assert seen[:6] == (there if sort == "created_at" else there[::-1])


async def test_the_link_header_leads_to_the_next_page(client: AsyncClient, resource: ModuleType) -> None:
    first = await first_page(client, resource, sort="created_at")
    target, relation = first.headers["Link"].split("; ")
    assert relation == 'rel="next"'
    second = await client.get(target.strip("<>"))
    by_cursor = {"sort": "created_at", "limit": 2, "cursor": first.json()["next"]}
    assert second.json() == (await client.get(resource.PATH, params=by_cursor)).json()
    assert len(second.json()["items"]) == 1
    assert "Link" not in second.headers


@pytest.mark.parametrize("limit", ["0", "-1", "101", "9" * 30, "abc", "", "1.5", "1_0", " 5", "NaN", "\x00"])
async def test_limits(client: AsyncClient, first_resource: ModuleType, limit: str) -> None:
    problem = assert_problem(await client.get(first_resource.PATH, params={"limit": limit}), 422)
    assert problem["errors"][0]["parameter"] == "limit"
    for taken in (1, 100):
        assert (await client.get(first_resource.PATH, params={"limit": taken})).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "un-known=1",  # with a sign that no field's name has
        "Limit=1",
        "limit=1&un-known=1",
        "sort=un-known",
        "sort=",
        "sort=created_at;drop",
        "sort=%00",
        "sort=%ff",
        "limit=1&limit=1",
        "sort=created_at&limit=5&sort=-created_at",
        "=1",
        "%ff=%fe",
    ],
)
async def test_parameters_that_a_list_does_not_know(client: AsyncClient, resource: ModuleType, query: str) -> None:
    assert_problem(await client.get(f"{resource.PATH}?{query}"), 422)


def encoded(*payload: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(payload)).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "!",
        "AAAA",
        "%ff%fe",
        "%00",
        "a" * 2000,
        "a" * 2001,
        "a" * 20_000,
        "%F0%9F%98%80",
        encoded(),
        encoded(1),
        encoded(2, "-created_at", "", []),
        encoded(1, "-created_at", "", ["x", "y"]),
        encoded(1, None, None, None),
        encoded(1, "-created_at", "44136fa355b3678a", ["9" * 500, "y"]),
        encoded(1, "-created_at", "44136fa355b3678a", [10**300, {"a": []}]),
        encoded(1, "-created_at", "44136fa355b3678a", ["0001-01-01T00:00:00+14:00", "x"]),
        base64.urlsafe_b64encode(b"[" * 1400).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe\x00").decode(),
        base64.urlsafe_b64encode(b'{"a": NaN}').decode(),
    ],
    ids=lambda cursor: f"{cursor[:24]}-{len(cursor)}",
)
async def test_no_cursor_of_ours(client: AsyncClient, resource: ModuleType, cursor: str) -> None:
    problem = assert_problem(await client.get(f"{resource.PATH}?cursor={cursor}"), 422)
    assert problem["errors"][0]["parameter"] == "cursor"


async def test_a_changed_cursor(client: AsyncClient, resource: ModuleType) -> None:
    """Wherever a character is another one: a page or a 422, and never anything else."""
    cursor = (await first_page(client, resource)).json()["next"]
    for place in range(0, len(cursor), 3):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        answer = await client.get(resource.PATH, params={"limit": 2, "cursor": changed})
        assert answer.status_code in (200, 422)
        if answer.status_code == 422:
            assert_problem(answer, 422, "invalid_cursor")


async def test_a_cursor_belongs_to_its_query(client: AsyncClient, resource: ModuleType) -> None:
    cursor = (await first_page(client, resource, sort="created_at")).json()["next"]
    stays = {"sort": "created_at", "cursor": cursor}
    assert (await client.get(resource.PATH, params={**stays, "limit": 50})).status_code == 200
    other_sort = await client.get(resource.PATH, params={**stays, "sort": "-created_at"})
    assert_problem(other_sort, 422, "invalid_cursor")
    assert_problem(await client.get(resource.PATH, params={"cursor": cursor}), 422, "invalid_cursor")


async def test_a_cursor_belongs_to_its_filters(client: AsyncClient, app: FastAPI, resource: ModuleType) -> None:
    parameters = app.openapi()["paths"][resource.PATH]["get"]["parameters"]
    row = await resource.create(client)
    named = {each["name"]: row.get(each["name"].strip("_")) for each in parameters}
    paging = ("limit", "cursor", "sort")
    filters = {name: value for name, value in named.items() if value is not None and name not in paging}
    if not filters:
        pytest.skip("there is nothing to filter by")
    cursor = (await first_page(client, resource)).json()["next"]
    name, value = next(iter(filters.items()))
    value = str(value).lower() if isinstance(value, bool) else value
    answer = await client.get(resource.PATH, params={"cursor": cursor, name: value})
    assert_problem(answer, 422, "invalid_cursor")


async def test_a_cursor_belongs_to_its_list(client: AsyncClient) -> None:
    if len(FACTORIES) < 2:
        pytest.skip("there is one resource at most")
    here, there = FACTORIES[:2]
    cursor = (await first_page(client, here)).json()["next"]
    assert_problem(await client.get(there.PATH, params={"cursor": cursor}), 422, "invalid_cursor")


async def plan(database: Database, resource: ModuleType, sort: str, values: list[Any]) -> str:
    """Return PostgreSQL's plan for the page after `values`, as for a table too large for a sequential scan."""
    crud = crud_of(resource)
    statement = crud._page(sort, (), True)
    arguments = {f"after_{place}": value for place, value in enumerate(values)} | {"page_limit": 20}

    async def explain(connection: Any) -> str:
        driver = connection.driver
        await driver.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        rows = await driver.fetch(f"EXPLAIN {statement.sql}", *statement.arguments(arguments))
        return "\n".join(row[0] for row in rows)

    return await database.read(explain)


async def test_a_deep_page_costs_what_the_first_one_does(
    client: AsyncClient, app: FastAPI, database: Database, resource: ModuleType
) -> None:
    """The index gives the rows in order from the cursor on: nothing is sorted, nothing is skipped."""
    created = await resource.create(client)
    row = await database.read(lambda connection: crud_of(resource).get(connection, created["id"]))
    assert row is not None
    for sort in sorts_of(app, resource):
        values = [row[key.name] for key in crud_of(resource).sort_keys(sort)]
        found = await plan(database, resource, sort, values)
        assert "Index Cond: (" in found, f"{sort}:\n{found}"
        assert "Sort" not in found, f"{sort}:\n{found}"


async def test_without_its_index_a_page_is_sorted(
    client: AsyncClient, database: Database, first_resource: ModuleType
) -> None:
    """The negative control of the test above."""
    created = await first_resource.create(client)
    row = await database.read(lambda connection: crud_of(first_resource).get(connection, created["id"]))
    assert row is not None
    await run_sql(database, f'DROP INDEX "ix_{table_of(first_resource)}_created_at_id"')
    assert "Sort" in await plan(database, first_resource, "created_at", [row["created_at"], row["id"]])
