"""Negative controls of the owner matrix: with any one guard taken away, a test of it is red."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.api.v1.endpoints import orders
from app.core.database import Database
from app.crud.base import Crud
from app.crud.owned import OwnedCrud
from app.services.owned import Caller
from tests.factories import order as order_factory
from tests.integration import test_owners as matrix
from tests.integration.test_owners import auditor, users
from tests.support.resources import run_sql

__all__ = ["auditor", "users"]
Patch = pytest.MonkeyPatch
Users = tuple[AsyncClient, AsyncClient]


class Unguarded(Crud):
    """Queries that know no caller."""

    knows_caller = True


def for_everyone(name: str) -> Callable[[Patch], None]:
    """Return the mutation: this query does not know its caller."""

    def mutate(patch: Patch) -> None:
        def query(self: OwnedCrud, *arguments: Any, **named: Any) -> Any:
            return getattr(Unguarded(self.table), name)(*arguments, **named)

        patch.setattr(OwnedCrud, name, query)

    return mutate


def without_own_references(patch: Patch) -> None:
    async def accept(*_: object) -> None: ...

    patch.setattr(OwnedCrud, "_require_own", accept)


def with_one_caller(patch: Patch) -> None:
    """Every caller is the same one: rows are created for and read by her."""
    kept = OwnedCrud.of
    patch.setattr(OwnedCrud, "of", lambda self, _: kept(self, "alice"))


def with_every_scope(patch: Patch) -> None:
    kept = orders.caller_of

    async def caller_of(request: Any, read_all: str) -> Caller:
        return Caller((await kept(request, read_all)).subject, reads_all=True)

    patch.setattr(orders, "caller_of", caller_of)


def without_the_scope(patch: Patch) -> None:
    patch.setattr(orders, "READ_ALL", "no such scope")


async def foreign(app: FastAPI, users: Users, **headers: str) -> None:
    await matrix.test_a_row_of_another_user_does_not_exist(app, users, order_factory, headers)


async def stale(app: FastAPI, users: Users) -> None:
    await foreign(app, users, If_Match='"7"')


async def lists(app: FastAPI, users: Users) -> None:
    await matrix.test_lists_hold_the_own_rows(app, users, order_factory)


async def cursors(_: FastAPI, users: Users) -> None:
    await matrix.test_a_cursor_of_another_user_leads_to_own_rows(users, order_factory)


async def references(_: FastAPI, users: Users) -> None:
    await matrix.test_a_reference_to_a_row_of_another_user_is_missing(users, order_factory)


async def unique(_: FastAPI, users: Users) -> None:
    await matrix.test_values_are_unique_among_the_own_rows(users, order_factory)


Test = Callable[[FastAPI, Users], Awaitable[None]]
GUARDS: dict[str, tuple[Callable[[Patch], None], tuple[Test, ...]]] = {
    "get": (for_everyone("get"), (foreign,)),
    "exists": (for_everyone("exists"), (stale,)),
    "update": (for_everyone("update"), (foreign,)),
    "delete": (for_everyone("delete"), (foreign,)),
    "page": (for_everyone("page"), (lists, cursors)),
    "caller": (with_one_caller, (foreign, lists)),
    "references": (without_own_references, (references,)),
    "the scope to read all": (with_every_scope, (foreign, lists)),
}


@pytest.mark.parametrize("guard", GUARDS)
async def test_a_removed_guard_is_noticed(app: FastAPI, users: Users, guard: str, monkeypatch: Patch) -> None:
    mutate, tests = GUARDS[guard]
    for test in tests:
        with monkeypatch.context() as patch:
            mutate(patch)
            with pytest.raises(AssertionError):
                await test(app, users)


async def test_a_scope_that_reads_nothing_more_is_noticed(
    app: FastAPI, users: Users, auditor: AsyncClient, monkeypatch: Patch
) -> None:
    without_the_scope(monkeypatch)
    with pytest.raises(AssertionError):
        await matrix.test_all_rows_are_read_with_the_scope(app, users, auditor, order_factory)


@pytest.mark.parametrize("query", ["update", "delete", "get"])
async def test_writes_with_the_scope_to_read_are_noticed(
    app: FastAPI, users: Users, auditor: AsyncClient, monkeypatch: Patch, query: str
) -> None:
    """`get` answers a PATCH without members, which writes nothing."""
    kept = getattr(OwnedCrud, query)

    def mutated(self: OwnedCrud, *arguments: Any, **named: Any) -> Any:
        asked: Crud = Unguarded(self.table) if self._caller == "auditor" else self
        return (getattr(asked, query) if asked is not self else kept.__get__(self))(*arguments, **named)

    monkeypatch.setattr(OwnedCrud, query, mutated)
    with pytest.raises(AssertionError):
        await matrix.test_all_rows_are_read_with_the_scope(app, users, auditor, order_factory)


async def test_a_value_that_is_unique_for_everyone_is_noticed(app: FastAPI, users: Users, database: Database) -> None:
    await run_sql(database, "ALTER TABLE orders ADD CONSTRAINT uq_orders_number UNIQUE (number)")
    with pytest.raises(AssertionError):
        await unique(app, users)


@pytest.mark.parametrize("test", [foreign, stale, lists, cursors, references, unique])
async def test_the_same_test_is_green_with_every_guard(app: FastAPI, users: Users, test: Test) -> None:
    await test(app, users)
