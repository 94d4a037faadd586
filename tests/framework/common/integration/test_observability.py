"""Dashboards and alerts show something: all that they ask for is in a scrape of this service under traffic."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from fastapi import FastAPI
from httpx2 import AsyncClient
from pydantic import SecretStr

from app.core.config import Settings
from app.core.database import Database, make_engine
from app.resources import ROUTERS
from tests.factories import FACTORIES
from tests.support import promql

ROOT = Path(__file__).resolve().parents[2]
OBSERVABILITY = ROOT / "observability"
NOWHERE = "postgresql://nobody@127.0.0.1:9/nothing"

pytestmark = [
    pytest.mark.skipif(not OBSERVABILITY.is_dir(), reason="observability/ is not here (an image has none)"),
    pytest.mark.skipif(not ROUTERS, reason="there is no resource to call"),
]


@pytest.fixture
async def scrape(app: FastAPI, client: AsyncClient) -> promql.Scrape:
    """After a resource was created and read, a page was missed, and the database was away for a moment."""
    resource = FACTORIES[0]
    created = await resource.create(client)
    assert (await client.get(f"{resource.PATH}/{created['id']}")).status_code == 200
    assert (await client.get("/nothing")).status_code == 404
    async with _without_a_database(app):
        assert (await client.get(resource.PATH)).status_code == 503
    return promql.Scrape().read((await client.get("/metrics")).text)


@asynccontextmanager
async def _without_a_database(app: FastAPI) -> AsyncIterator[None]:
    there = app.state.database
    app.state.database = Database(make_engine(Settings(database_url=SecretStr(NOWHERE))))
    try:
        yield
    finally:
        await app.state.database.stop()
        app.state.database = there


async def test_all_that_dashboards_and_alerts_ask_for_is_there(scrape: promql.Scrape) -> None:
    asked = promql.queries(OBSERVABILITY)
    assert len(asked) > 30
    assert promql.complaints(asked, scrape) == []


@pytest.mark.parametrize(
    ("ours", "renamed"),
    [
        ("http_server_request_duration_seconds_count", "http_requests_total"),
        ("http_response_status_code", "status"),
        ('state="used"', 'state="in_use"'),
        ('le="0.5"', 'le="0.3"'),
        ("job:http_errors:ratio_rate1h", "job:http_errors:ratio_rate2h"),
        ("sqlstate", "code"),
    ],
)
async def test_what_was_renamed_is_noticed(scrape: promql.Scrape, ours: str, renamed: str) -> None:
    asked = promql.queries(OBSERVABILITY)
    assert any(ours in query.expression for query in asked)
    changed = [replace(query, expression=query.expression.replace(ours, renamed)) for query in asked]
    assert promql.complaints(changed, scrape)


def test_every_alert_has_its_entry_in_the_runbook() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    headings = {line.removeprefix("## ") for line in runbook.splitlines() if line.startswith("## ")}
    alerts = {
        rule["alert"]: rule
        for path in OBSERVABILITY.glob("prometheus/rules/*.yml")
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    assert alerts
    assert set(alerts) <= headings
    for name, rule in alerts.items():
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{name.lower()}"
        assert rule["labels"]["severity"] in ("page", "ticket")
