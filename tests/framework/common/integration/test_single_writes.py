"""A write of one statement saves BEGIN and COMMIT; a resource with its own rules or queries has a transaction."""

import time
import uuid
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from pydantic import BaseModel

from app.core.database import Database
from app.crud.base import Crud
from app.db.base import NAMING_CONVENTION
from app.db.driver import Connection, Row, Statement, Values
from app.services.base import ResourceService

NOTES = sa.Table(
    "own__notes",
    sa.MetaData(naming_convention=NAMING_CONVENTION),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now()),
    sa.Column("version", sa.Integer, server_default="1"),
    sa.Column("name", sa.String(40), unique=True),
)
COUNT = Statement(sa.select(sa.func.count()).select_from(NOTES))


class Note(BaseModel):
    name: str


class Notes(ResourceService):
    crud = Crud(NOTES)
    title = "note"
    transaction = False


class TwoStatements(Crud):
    """Writes a copy before the row itself, which fails when the name is taken."""

    async def create(self, connection: Connection, values: Values) -> Row:
        await super().create(connection, {**values, "id": uuid.uuid4(), "name": f"copy of {values['name']}"})
        return await super().create(connection, values)


class NotesWithCopies(Notes):
    crud = TwoStatements(NOTES)
    transaction = True


class NotesWithRules(Notes):
    transaction = True

    async def create_values(self, connection: Connection, data: BaseModel) -> dict[str, Any]:
        await self.crud.create(connection, {"id": uuid.uuid4(), "name": "made by a rule"})
        return await super().create_values(connection, data)


@pytest.fixture
async def own(own_app: FastAPI) -> Database:
    database: Database = own_app.state.database
    async with database.engine.begin() as connection:
        await connection.run_sync(NOTES.create)
    return database


async def count(own: Database) -> int:
    return await own.read(lambda connection: connection.scalar(COUNT, {}))


async def begun(own: Database, service: ResourceService, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return the number of transactions that a create begins."""
    begins: list[int] = []
    original = Connection.transaction

    def counted(connection: Connection) -> Any:
        begins.append(1)
        return original(connection)

    monkeypatch.setattr(Connection, "transaction", counted)
    await service.create(Note(name=uuid.uuid4().hex))
    return len(begins)


@pytest.mark.parametrize(("kind", "transactions"), [(Notes, 0), (NotesWithCopies, 1), (NotesWithRules, 1)])
async def test_a_transaction_where_there_is_more_than_one_statement(
    own: Database, monkeypatch: pytest.MonkeyPatch, kind: type[ResourceService], transactions: int
) -> None:
    assert await begun(own, kind(own), monkeypatch) == transactions


@pytest.mark.parametrize("kind", [NotesWithCopies, NotesWithRules])
async def test_all_of_it_or_nothing(own: Database, kind: type[ResourceService]) -> None:
    await Notes(own).create(Note(name="taken"))
    with pytest.raises(asyncpg.UniqueViolationError):
        await kind(own).create(Note(name="taken"))
    assert await count(own) == 1


async def test_without_the_transaction_half_of_it_would_stay(own: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NotesWithCopies, "transaction", False)
    await Notes(own).create(Note(name="taken"))
    with pytest.raises(asyncpg.UniqueViolationError):
        await NotesWithCopies(own).create(Note(name="taken"))
    assert await count(own) == 2


def test_a_second_statement_without_a_transaction_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Copies sets transaction = False, but TwoStatements\.create may run a second"):
        type("Copies", (Notes,), {"crud": TwoStatements(NOTES)})
    with pytest.raises(TypeError, match=r"but Rules\.create_values may run a second statement; delete that line"):
        type("Rules", (Notes,), {"create_values": NotesWithRules.create_values})
    with pytest.raises(TypeError, match=r"but Rules\.check may run a second statement; delete that line"):
        type("Rules", (Notes,), {"check": lambda self, connection, row: None})


async def test_a_connection_that_is_due_is_opened_again(own: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def process(connection: Connection) -> Any:
        return await connection.driver.fetchval("SELECT pg_backend_pid()")

    first = await own.read(process)
    assert await own.read(process) == first
    monkeypatch.setattr(own.engine.sync_engine.pool, "_recycle", 0)
    time.sleep(0.01)  # noqa: ASYNC251 - the pool compares seconds since it was opened
    assert await own.read(process) != first
    assert own.figures().used == 0
