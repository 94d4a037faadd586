"""Rows with an owner, in the domain `OWNED` of tests/support/domains.py: what the service's own matrix does not ask."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from app.core.database import Database
from app.core.security import all_scopes
from app.crud.base import Crud, table_of
from app.crud.customer import customer_crud
from app.crud.order import order_crud
from app.crud.owned import OwnedCrud
from app.models.customer import Customer
from app.models.order import Order
from app.services.base import ResourceService
from app.services.order import OrderService
from app.services.owned import Caller, OwnedService
from tests.factories import order as order_factory
from tests.integration.test_owners import call, operations, users
from tests.support.applications import client_of
from tests.support.identity import headers_for
from tests.support.problems import assert_problem
from tests.support.resources import run_sql

__all__ = ["users"]
PATH = order_factory.PATH
Users = tuple[AsyncClient, AsyncClient]


def client_for(app: FastAPI, subject: str, *scopes: str) -> AsyncClient:
    headers = headers_for(*scopes, app=app, subject=subject)
    return AsyncClient(transport=ASGITransport(app), base_url="http://test", headers=headers)


async def test_many_users_at_once_see_their_own_rows(own_app: FastAPI) -> None:
    """On real connections: the caller of one request is not that of another."""
    own = [scope for scope in all_scopes(own_app) if not scope.endswith(":read:all")]
    customer = (await client_of(own_app).post("/api/v1/customers", json={"name": "A", "email": "a@b"})).json()["id"]

    async def work(subject: str) -> None:
        async with client_for(own_app, subject, *own) as client:
            created = []
            for number in range(6):
                body = {"number": f"{number}", "customer_id": customer, "total": f"{number}.00"}
                response = await client.post(PATH, json=body, headers={"Idempotency-Key": f"key {number}"})
                assert response.status_code == 201, response.text
                created.append(response.json())
                await asyncio.sleep(0)
                changed = await client.patch(f"{PATH}/{created[-1]['id']}", json={"status": "paid"})
                assert changed.json()["owner_id"] == subject
            page = (await client.get(PATH, params={"limit": 100})).json()["items"]
            assert {row["id"] for row in page} == {row["id"] for row in created}
            assert {row["owner_id"] for row in page} == {subject}

    await asyncio.gather(*(work(f"user {number}") for number in range(8)))


async def test_an_idempotency_key_is_the_callers(users: Users, client: AsyncClient) -> None:
    """The same key and body of another user create their row: the answer is not the first user's."""
    customer = (await client.post("/api/v1/customers", json={"name": "A", "email": "a@b"})).json()["id"]
    body, key = {"number": "1", "customer_id": customer, "total": "1.00"}, {"Idempotency-Key": "the same"}
    mine, theirs = [(await user.post(PATH, json=body, headers=key)).json() for user in users]
    assert (mine["owner_id"], theirs["owner_id"]) == ("alice", "bob")
    assert mine["id"] != theirs["id"]
    assert (await users[0].post(PATH, json=body, headers=key)).json() == mine


async def test_only_the_read_scope_itself_admits(app: FastAPI, client: AsyncClient) -> None:
    """`orders:read:all` widens `orders:read`; it does not replace it, and it is of one resource."""
    row = await order_factory.create(client)
    async with client_for(app, "auditor", "orders:read:all") as auditor:
        assert_problem(await auditor.get(PATH), 403, "insufficient_scope")
    async with client_for(app, "auditor", "orders:read", "line-items:read:all") as auditor:
        assert (await auditor.get(PATH)).json()["items"] == []
    async with client_for(app, "auditor", "orders:read", "orders:read:all") as auditor:
        assert (await auditor.get(PATH)).json()["items"] == [row]


async def test_the_document_says_who_sees_what(app: FastAPI) -> None:
    assert {"orders:read:all", "line-items:read:all"} <= set(all_scopes(app))
    assert "customers:read:all" not in set(all_scopes(app))
    document = app.openapi()
    schemas = document["components"]["schemas"]
    assert schemas["OrderRead"]["properties"]["owner_id"]["readOnly"] is True
    assert "owner_id" not in {*schemas["OrderCreate"]["properties"], *schemas["OrderUpdate"]["properties"]}
    for path in (PATH, f"{PATH}/{{id}}"):
        assert "`orders:read:all`" in document["paths"][path]["get"]["description"]


@pytest.mark.parametrize(("subject", "status"), [("x" * 255, 201), ("é" * 127, 201), ("é" * 128, 403)])
async def test_a_subject_fits_its_column(app: FastAPI, client: AsyncClient, subject: str, status: int) -> None:
    body = await order_factory.body(client)
    async with client_for(app, subject) as user:
        created = await user.post(PATH, json=body)
        assert created.status_code == status, created.text
        if status == 201:
            assert (await user.get(created.headers["Location"])).json()["owner_id"] == subject
        else:
            assert_problem(created, 403, "subject_too_long")


# Nothing reads or writes such rows without a caller.


def test_a_table_with_an_owner_has_no_other_queries() -> None:
    with pytest.raises(TypeError, match="the rows of orders have an owner: use OwnedCrud"):
        Crud(table_of(Order))
    with pytest.raises(TypeError, match="the rows of customers have no owner: use Crud"):
        OwnedCrud(table_of(Customer))


async def test_a_service_needs_a_caller(database: Database) -> None:
    with pytest.raises(TypeError, match="caller"):
        OrderService(database)  # type: ignore[call-arg]

    class Wrong(OwnedService):
        crud = customer_crud

    with pytest.raises(TypeError, match=r"Wrong\.crud has no owner"):
        Wrong(database, Caller("alice"))


async def test_queries_without_a_caller_do_not_run(client: AsyncClient, database: Database) -> None:
    row = await order_factory.create(client)

    class Forgetful(ResourceService):
        crud = order_crud
        title = "order"

    service = Forgetful(database)
    calls = (
        lambda: service.get(row["id"]),
        lambda: service.list(sort="created_at", filters={}, after=None, limit=1),
        lambda: service.place("created_at", row["id"]),
        lambda: service.delete(row["id"], None),
        lambda: database.read(lambda connection: order_crud.exists(connection, row["id"])),
        lambda: database.write(lambda connection: order_crud.create(connection, {"number": "1"})),
        lambda: database.write(lambda connection: order_crud.update(connection, row["id"], {"number": "1"}, None)),
    )
    for attempt in calls:
        with pytest.raises((TypeError, KeyError), match="caller"):
            await attempt()


async def test_rows_of_every_owner_are_only_read(client: AsyncClient, database: Database) -> None:
    row = await order_factory.create(client)
    everyone = order_crud.everyone
    assert await database.read(lambda connection: everyone.exists(connection, row["id"]))
    for attempt in (
        lambda connection: everyone.create(connection, {"number": "1"}),
        lambda connection: everyone.update(connection, row["id"], {"number": "1"}, None),
        lambda connection: everyone.delete(connection, row["id"], None),
    ):
        with pytest.raises(TypeError, match="written by their owner"):
            await database.write(attempt)


async def test_an_owner_does_not_change(client: AsyncClient, database: Database) -> None:
    row = await order_factory.create(client)
    crud = order_crud.of(row["owner_id"])
    with pytest.raises(ValueError, match="a row keeps its owner"):
        await database.write(lambda connection: crud.update(connection, row["id"], {"owner_id": "bob"}, None))


async def test_a_list_of_one_owner_uses_their_index(database: Database) -> None:
    """Among the rows of many owners: the rows of others are not read and thrown away."""
    await run_sql(
        database,
        "INSERT INTO customers (id, name, email) VALUES (gen_random_uuid(), 'A', 'a@b')",
        "INSERT INTO orders (id, owner_id, number, customer_id, total) "
        "SELECT gen_random_uuid(), 'user ' || n % 500, n, customers.id, n FROM customers, generate_series(1, 20000) n",
        "ANALYZE orders",
    )
    crud = order_crud.of("user 7")
    for sort in ("created_at", "-created_at", "number", "-total", "status"):
        statement = crud._page(sort, (), False)

        async def explain(connection: Any, statement: Any = statement) -> str:
            arguments = statement.arguments({"page_limit": 20})
            return "\n".join(row[0] for row in await connection.driver.fetch(f"EXPLAIN {statement.sql}", *arguments))

        plan = await database.read(explain)
        assert "owner_id" in plan.partition("Index Cond")[2], f"{sort}:\n{plan}"
        assert "Filter" not in plan, f"{sort}:\n{plan}"


async def test_every_operation_knows_its_resource(app: FastAPI, users: Users) -> None:
    """The matrix has each operation of the resource once: what it generates is not empty."""
    found = {(method, path) for method, path, _ in operations(app, order_factory)}
    one = f"{PATH}/{{id}}"
    assert found == {("GET", PATH), ("POST", PATH), *((method, one) for method in ("GET", "PUT", "PATCH", "DELETE"))}
    assert (await call(users[0], "POST", PATH, order_factory)).status_code == 201
