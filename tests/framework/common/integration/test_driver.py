"""Compiled statements on the driver: the same values as SQLAlchemy itself gives, in the same transactions."""

import asyncio
import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.dialects import postgresql as pg

from app.core.database import Database
from app.db.driver import Connection, Statement, connection_of
from app.db.json import to_json
from tests.support.waiting import PATIENCE

metadata = sa.MetaData()
EVERYTHING = sa.Table(
    "own__everything",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("text", sa.String(50)),
    sa.Column("long_text", sa.Text),
    sa.Column("whole", sa.Integer),
    sa.Column("large", sa.BigInteger),
    sa.Column("exact", sa.Numeric(38, 10)),
    sa.Column("real", sa.Double),
    sa.Column("yes", sa.Boolean),
    sa.Column("day", sa.Date),
    sa.Column("moment", sa.DateTime(timezone=True)),
    sa.Column("document", pg.JSONB),
    sa.Column("raw", sa.LargeBinary),
    sa.Column("span", sa.Interval),
    sa.Column("numbers", sa.ARRAY(sa.Integer)),
)
NAMES = tuple(EVERYTHING.columns.keys())
INSERT = Statement(sa.insert(EVERYTHING).values({name: sa.bindparam(name) for name in NAMES}))
SELECT = Statement(sa.select(EVERYTHING))
COUNT = Statement(sa.select(sa.func.count()).select_from(EVERYTHING))
UTC = dt.UTC
ROWS: dict[str, dict[str, Any]] = {
    "usual": {
        "text": "Größe \U0001f600 'quoted' \\ %s $1 :name",
        "long_text": "x" * 100_000,
        "whole": 42,
        "large": 2**40,
        "exact": Decimal("12345678901234567890.0123456789"),
        "real": 0.1,
        "yes": True,
        "day": dt.date(2026, 1, 31),
        "moment": dt.datetime(2026, 1, 31, 12, 30, 15, 123456, UTC),
        "document": {"a": [1, 2.5, None, True, "ü", {}], "": "b"},
        "raw": b"\x00\xff",
        "span": dt.timedelta(days=400, microseconds=1),
        "numbers": [1, 2, 3],
    },
    "least": {
        "text": "",
        "long_text": "",
        "whole": -(2**31),
        "large": -(2**63),
        "exact": Decimal("-0.0000000001"),
        "real": -1.7976931348623157e308,
        "yes": False,
        "day": dt.date.min,
        "moment": dt.datetime.min.replace(tzinfo=UTC),
        "document": [],
        "raw": b"",
        "span": dt.timedelta(0),
        "numbers": [],
    },
    "most": {
        "text": "x" * 50,
        "long_text": "\n",
        "whole": 2**31 - 1,
        "large": 2**63 - 1,
        "exact": Decimal("9999999999999999999999999999.9999999999"),
        "real": 5e-324,
        "yes": None,
        "day": dt.date.max,
        "moment": dt.datetime.max.replace(tzinfo=UTC),
        "document": "text",
        "raw": bytes(range(256)),
        "span": dt.timedelta(days=-1),
        "numbers": [None],
    },
    "nothing": dict.fromkeys(NAMES[1:]),
}


@pytest.fixture
async def own(own_app: FastAPI) -> Database:
    database: Database = own_app.state.database
    async with database.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return database


async def put(own: Database, name: str = "usual") -> dict[str, Any]:
    row = {"id": uuid.uuid4(), **ROWS[name]}
    await own.write(lambda connection: connection.run(INSERT, row))
    return row


async def count(own: Database) -> int:
    found: int = await own.read(lambda connection: connection.scalar(COUNT, {}))
    return found


@pytest.mark.parametrize("name", ROWS)
async def test_every_type_there_and_back(own: Database, name: str) -> None:
    put_in = await put(own, name)
    [fast] = await own.read(lambda connection: connection.all(SELECT, {}))
    async with own.session() as session:
        slow = (await session.execute(sa.select(EVERYTHING))).mappings().one()
    assert dict(fast) == dict(slow)
    assert dict(fast) == put_in
    for name in NAMES:
        kinds = [uuid.UUID if isinstance(row[name], uuid.UUID) else type(row[name]) for row in (fast, slow)]
        assert kinds[0] is kinds[1], name  # but for UUIDs, of which the driver has a class of its own


@pytest.mark.parametrize("name", ["usual", "least"])
async def test_a_row_becomes_json(own: Database, name: str) -> None:
    await put(own, name)
    columns = [EVERYTHING.columns[column] for column in NAMES if column not in ("raw", "span")]
    row = await own.read(lambda connection: connection.one_or_none(Statement(sa.select(*columns)), {}))
    text = to_json(row)
    moment = {"usual": b"2026-01-31T12:30:15.123456Z", "least": b"0001-01-01T00:00:00Z"}[name]
    assert b'"moment":"' + moment in text
    assert b"E-" not in text.split(b'"real"')[0], "a decimal has no exponent"


def test_parameters() -> None:
    limited = Statement(sa.select(EVERYTHING.c.id).where(EVERYTHING.c.whole > sa.bindparam("more")).limit(5))
    assert limited.arguments({"more": 1, "unused": 2}) == [1, 5]
    with pytest.raises(KeyError, match="more"):
        limited.arguments({})


async def test_the_number_of_rows(own: Database) -> None:
    for _ in range(3):
        await put(own)
    delete = Statement(sa.delete(EVERYTHING).where(EVERYTHING.c.whole == sa.bindparam("number")))
    for number, expected in ((1, 0), (42, 3)):
        values = {"number": number}
        assert await own.write(lambda connection, values=values: connection.run(delete, values)) == expected


# Sessions beside it.


async def test_a_session_has_a_connection_of_its_own(own: Database) -> None:
    """So what it has not committed is not seen beside it."""
    async with own.session() as session:
        await session.execute(sa.insert(EVERYTHING).values(id=uuid.uuid4()))
        assert await count(own) == 0
        assert own.figures().used == 1
        await session.commit()
    assert await count(own) == 1


async def test_compiled_statements_in_a_sessions_transaction(own: Database) -> None:
    async with own.session() as session:
        connection = await connection_of(session)
        await connection.run(INSERT, {"id": uuid.uuid4(), **ROWS["nothing"]})
        assert await session.scalar(sa.select(sa.func.count()).select_from(EVERYTHING)) == 1
        assert await count(own) == 0
        await session.rollback()
        assert await count(own) == 0
        again = await connection_of(session)
        await again.run(INSERT, {"id": uuid.uuid4(), **ROWS["nothing"]})
        await session.commit()
    assert await count(own) == 1


@pytest.mark.parametrize("ending", ["nothing", "an error", "a failed statement"])
async def test_what_a_session_did_not_commit_is_gone(own: Database, ending: str) -> None:
    async def use() -> None:
        async with own.session() as session:
            await session.execute(sa.insert(EVERYTHING).values(id=uuid.uuid4()))
            if ending == "an error":
                raise ValueError
            if ending == "a failed statement":
                await session.execute(sa.text("SELECT 1 / 0"))

    await asyncio.gather(use(), return_exceptions=True)
    assert await count(own) == 0
    assert own.figures().used == 0

    async def is_open(connection: Connection) -> bool:
        return connection.driver.is_in_transaction()

    assert not await own.read(is_open)


async def test_a_session_that_is_cancelled_leaves_nothing_behind(own: Database, own_database: str) -> None:
    done = 0

    async def use() -> None:
        async with own.session() as session:
            await session.execute(sa.insert(EVERYTHING).values(id=uuid.uuid4()))
            await session.commit()

    for moment in range(200):
        task = asyncio.create_task(use())
        await asyncio.sleep(moment % 50 / 5_000)
        task.cancel()
        [result] = await asyncio.gather(task, return_exceptions=True)
        assert result is None or isinstance(result, asyncio.CancelledError)
        done += result is None
    async with asyncio.timeout(PATIENCE):
        assert await own.write(lambda connection: connection.scalar(COUNT, {})) >= done
    assert own.figures().used == 0
    admin = await asyncpg.connect(own_database)
    try:
        async with asyncio.timeout(PATIENCE):
            while await admin.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()"
            ):
                await asyncio.sleep(0.01)
    finally:
        await admin.close()
