"""Whatever a column holds, written by SQL or at the end of its range: pages, sorts and filters that meet it work."""

import datetime as dt
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, Literal

import pytest
import sqlalchemy as sa
from fastapi import FastAPI, Query, Request, Response
from httpx2 import AsyncClient
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.api.dependencies import DatabaseDep, Idempotency
from app.api.pagination import page_response
from app.api.responses import created_response, resource_response
from app.api.routing import Router, include
from app.core.database import Database
from app.core.security import public
from app.crud.base import Crud
from app.db import base as db_base
from app.schemas import base
from app.services.base import ResourceService
from tests.support.applications import client_of
from tests.support.problems import assert_problem
from tests.support.resources import run_sql


class Own(DeclarativeBase):
    metadata = sa.MetaData()


class Extreme(db_base.ResourceColumns, Own):
    __tablename__ = "own__extremes"  # no resource of the service can have this name

    day: Mapped[dt.date] = mapped_column(sa.Date)
    moment: Mapped[dt.datetime] = mapped_column(sa.DateTime(timezone=True))
    real: Mapped[float] = mapped_column(sa.Double)
    exact: Mapped[Decimal] = mapped_column(sa.Numeric(12, 2))
    document: Mapped[Any] = mapped_column(pg.JSONB)


class ExtremeCreate(base.Schema):
    day: base.JsonDate
    moment: base.JsonDateTime


class ExtremeQuery(base.PageQuery):
    sort: Literal["day", "-day", "moment", "-moment", "real", "-real", "exact", "-exact", "created_at"] = "day"
    day: base.JsonDate | None = None
    day_gte: base.JsonDate | None = None
    moment: base.JsonDateTime | None = None
    moment_lte: base.JsonDateTime | None = None


class ExtremeService(ResourceService):
    crud = Crud(Extreme.__table__)  # type: ignore[arg-type]
    title = "extreme"

    async def create_values(self, connection: object, data: Any) -> dict[str, Any]:
        return {**data.model_dump(), "real": 0.0, "exact": Decimal(0), "document": {}}


router = Router(prefix="/extremes", dependencies=[public])


@router.get("")
async def list_all(request: Request, query: ExtremeQuery = Query(), database: DatabaseDep = None) -> Response:  # type: ignore[assignment]
    return await page_response(request, ExtremeService(database), query)


@router.post("")
async def create(request: Request, data: ExtremeCreate, database: DatabaseDep, idempotency: Idempotency) -> Response:
    return created_response(request, await ExtremeService(database).create(data, idempotency))


@router.get("/{id}")
async def get(id: uuid.UUID, database: DatabaseDep) -> Response:
    return resource_response(await ExtremeService(database).get(id))


@pytest.fixture
async def http(own_app: FastAPI) -> AsyncIterator[AsyncClient]:
    database: Database = own_app.state.database
    async with database.engine.begin() as connection:
        await connection.run_sync(db_base.load_models().create_all)  # idempotency keys, where nothing is migrated
        await connection.run_sync(Own.metadata.create_all)
    include(own_app, [router], "")
    async with client_of(own_app) as http:
        yield http


async def put(app: FastAPI, name: str, *values: str) -> None:
    """A row for each value of one column; the others have something usual."""
    usual = {"day": "2026-01-31", "moment": "2026-01-31", "real": "1", "exact": "1", "document": "{}"}
    rows = [{**usual, name: value} for value in values]
    statements = []
    for row in rows:
        literals = ", ".join(f"'{literal}'" for literal in row.values())
        statements.append(f"INSERT INTO own__extremes (id, {', '.join(row)}) VALUES (gen_random_uuid(), {literals})")  # noqa: S608
    await run_sql(app.state.database, *statements)


async def walk(http: AsyncClient, query: str, name: str) -> list[Any]:
    """The column's values on all pages, of one row each."""
    found: list[Any] = []
    cursor = ""
    for _ in range(30):
        answer = await http.get(f"/extremes?limit=1&{query}{cursor}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [item[name] for item in page["items"]]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"
    raise AssertionError(f"the pages do not end: {found}")


DAYS = ("-infinity", "4713-01-01 BC", "0044-03-15 BC", "0044-03-14 BC", "0001-01-01", "2026-01-31", "9999-12-31")
DAYS += ("10000-01-01", "5874897-12-31", "infinity", "infinity")
SHOWN = ["0001-01-01"] * 5 + ["2026-01-31"] + ["9999-12-31"] * 5
MOMENTS = tuple(f"{day.removesuffix(' BC')} 00:00:00+00{' BC' * day.endswith('BC')}" for day in DAYS[1:7])
MOMENTS = ("-infinity", *MOMENTS, "9999-12-31 23:59:59.999999+00", "294276-12-31 23:59:59+00", "infinity", "infinity")


@pytest.mark.parametrize("sign", ["", "-"])
async def test_days_that_python_does_not_have(own_app: FastAPI, http: AsyncClient, sign: str) -> None:
    await put(own_app, "day", *DAYS)
    expected = SHOWN if not sign else SHOWN[::-1]
    assert await walk(http, f"sort={sign}day", "day") == expected
    answer = await http.get("/extremes", params={"day_gte": "9999-12-31", "sort": "day"})
    assert len(answer.json()["items"]) == 5
    answer = await http.get("/extremes", params={"day": "9999-12-31"})
    [item] = answer.json()["items"]
    assert (await http.get(f"/extremes/{item['id']}")).json() == item


@pytest.mark.parametrize("sign", ["", "-"])
async def test_moments_that_python_does_not_have(own_app: FastAPI, http: AsyncClient, sign: str) -> None:
    await put(own_app, "moment", *MOMENTS)
    values = await walk(http, f"sort={sign}moment", "moment")
    assert len(values) == len(MOMENTS)
    assert values == sorted(values, reverse=bool(sign))
    assert {values[0], values[-1]} == {"0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"}
    answer = await http.get("/extremes", params={"moment": "9999-12-31T23:59:59.999999Z"})
    assert len(answer.json()["items"]) == 1


async def test_such_a_moment_of_creation(own_app: FastAPI, http: AsyncClient) -> None:
    await put(own_app, "real", "1", "2", "3")
    await run_sql(own_app.state.database, "UPDATE own__extremes SET created_at = '0044-03-15 BC' WHERE real > 1")
    assert len(await walk(http, "sort=created_at", "created_at")) == 3


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("name", ["real", "exact"])
async def test_numbers_that_json_does_not_have(own_app: FastAPI, http: AsyncClient, name: str, sign: str) -> None:
    extreme = {"real": ("-Infinity", "-1.7976931348623157e308", "Infinity", "NaN", "NaN"), "exact": ("NaN", "NaN")}
    await put(own_app, name, "0", "1", *extreme[name])
    values = await walk(http, f"sort={sign}{name}", name)
    assert len(values) == 2 + len(extreme[name])
    ends = values if sign else values[::-1]
    assert ends[:2] == ([None, None] if name == "real" else ["NaN", "NaN"])


@pytest.mark.parametrize(
    ("document", "starts"),
    [
        ('{"a": 1e400}', '{"a":1'),
        ('{"a": 123456789012345678901234567890}', '{"a":1'),
        ("[" * 300 + "]" * 300, "[[["),
        ("[" * 2000 + "]" * 2000, "[[["),
    ],
    ids=["beyond a float", "beyond 64 bits", "deep", "very deep"],
)
async def test_documents_that_orjson_does_not_take(
    own_app: FastAPI, http: AsyncClient, document: str, starts: str
) -> None:
    await put(own_app, "document", document, "{}")
    answer = await http.get("/extremes")
    assert answer.status_code == 200
    assert f'"document":{starts}' in answer.text.replace(" ", "")
    assert answer.text.count('"id"') == 2


@pytest.mark.parametrize(
    ("day", "moment"),
    [
        ("9999-12-31", "9999-12-31T23:59:59.999999Z"),
        ("0001-01-01", "0001-01-01T00:00:00Z"),
        ("2000-02-29", "9999-12-31T23:59:59.999999+00:00"),
        ("1999-12-31", "0001-01-01T00:00:00-12:00"),
        ("2000-01-01", "9999-12-31T23:59:59.999999+12:00"),
    ],
)
@pytest.mark.parametrize("key", [None, "once"])
async def test_the_first_and_the_last_are_stored_as_sent(
    own_app: FastAPI, http: AsyncClient, day: str, moment: str, key: str | None
) -> None:
    headers = {"Idempotency-Key": key} if key else {}
    answers = [await http.post("/extremes", json={"day": day, "moment": moment}, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    created = answers[-1].json()
    assert (answers[0].json() == created) is (key is not None)
    assert created["day"] == day
    assert dt.datetime.fromisoformat(created["moment"]) == dt.datetime.fromisoformat(moment)
    for name in ("day", "moment"):
        found = await http.get("/extremes", params={name: created[name]})
        assert len(found.json()["items"]) == (1 if key else 2), name
    finite = "SELECT 1 / (isfinite(day) AND isfinite(moment))::int FROM own__extremes"
    await run_sql(own_app.state.database, finite)
    async with own_app.state.database.session() as session:  # the other way to the database writes alike
        session.add(
            Extreme(id=uuid.uuid4(), day=dt.date.max, moment=dt.datetime.now(dt.UTC), real=0, exact=0, document={})
        )
        await session.commit()
    await run_sql(own_app.state.database, finite)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "10000-01-01T00:00:00Z"])
async def test_an_offset_that_leads_beyond_is_refused(http: AsyncClient, moment: str) -> None:
    answer = await http.post("/extremes", json={"day": "2026-01-31", "moment": moment})
    assert_problem(answer, 422, "invalid")
    assert answer.json()["errors"][0]["pointer"] == "#/moment"
    assert_problem(await http.get("/extremes", params={"moment": moment}), 422, "invalid")


async def test_a_cursor_of_ones_own(own_app: FastAPI, http: AsyncClient) -> None:
    """A day that no calendar has is refused like any cursor that this service did not give out."""
    import base64

    import orjson

    await put(own_app, "day", "2026-01-31", "infinity")
    cursor = (await http.get("/extremes?limit=1")).json()["next"]
    payload = orjson.loads(base64.urlsafe_b64decode(cursor + "=="))
    for day in ("2026-02-30", "99999-99-99", "tomorrow", "2026-01-31'; --"):
        forged = base64.urlsafe_b64encode(orjson.dumps([*payload[:3], [day, payload[3][1]]])).decode().rstrip("=")
        answer = await http.get(f"/extremes?limit=1&cursor={forged}")
        assert answer.status_code == 422, day
