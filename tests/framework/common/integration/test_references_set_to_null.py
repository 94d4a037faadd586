"""A delete that sets references to null changes those rows, so that their versions are raised with it."""

import uuid

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from app.core.database import Database
from app.core.exceptions import PreconditionFailed
from app.crud.base import Crud
from app.db.base import NAMING_CONVENTION
from app.db.driver import Statement
from app.services.base import ResourceService

METADATA = sa.MetaData(naming_convention=NAMING_CONVENTION)


def _table(name: str, **references: str) -> sa.Table:
    return sa.Table(
        f"own__{name}",
        METADATA,
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("'epoch'")),
        sa.Column("version", sa.Integer, server_default="1"),
        *(sa.Column(key, sa.ForeignKey("own__people.id", ondelete=action)) for key, action in references.items()),
    )


PEOPLE = _table("people", boss="SET NULL")
LETTERS = _table("letters", sender="SET NULL", receiver="SET NULL", owner="CASCADE")
ADA, BOB = uuid.uuid4(), uuid.uuid4()


class People(ResourceService):
    crud = Crud(PEOPLE)
    title = "person"
    transaction = False


@pytest.fixture
async def people(own_app: FastAPI) -> People:
    database: Database = own_app.state.database
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
        await connection.execute(sa.insert(PEOPLE), [{"id": ADA, "boss": ADA}, {"id": BOB, "boss": ADA}])
    return People(database)


async def _versions(people: People, table: sa.Table) -> list[tuple[uuid.UUID, int, bool]]:
    statement = Statement(
        sa.select(table.c.id, table.c.version, table.c.updated_at > sa.text("'epoch'")).order_by(table.c.id)
    )
    rows = await people.database.read(lambda connection: connection.all(statement, {}))
    return [(row[0], row[1], row[2]) for row in rows]  # type: ignore[index]


async def test_versions_are_raised(people: People) -> None:
    both, one, none, owned = sorted(uuid.uuid4() for _ in range(4))
    async with people.database.engine.begin() as connection:
        for id, values in {
            both: {"sender": ADA, "receiver": ADA},
            one: {"sender": BOB, "receiver": ADA},
            none: {"sender": BOB},
            owned: {"sender": ADA, "owner": ADA},
        }.items():
            await connection.execute(sa.insert(LETTERS).values(id=id, **values))
    with pytest.raises(PreconditionFailed):
        await people.delete(ADA, [7])
    assert {version for _, version, _ in await _versions(people, LETTERS)} == {1}
    await people.delete(ADA, [1])
    assert await _versions(people, PEOPLE) == [(BOB, 2, True)]
    assert await _versions(people, LETTERS) == [(both, 2, True), (one, 2, True), (none, 1, False)]
