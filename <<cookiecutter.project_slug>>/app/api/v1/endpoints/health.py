"""Probes and metrics. `/health` says that the process lives and touches nothing; `/ready`, whether it wants traffic."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response

from app.api.openapi import problem_answer
from app.api.routing import Router, include
from app.core.config import Settings
from app.core.database import Database
from app.core.exceptions import Unavailable
from app.core.lifecycle import Lifecycle
from app.core.opening import alive
from app.core.schema import is_recent_enough
from app.core.security import public

DATABASE_SECONDS = 2.0

log = structlog.get_logger("app.health")


async def health(request: Request) -> dict[str, Any]:
    """Alive. Names what runs: the service's version and the digest of its image."""
    return alive(request.app.state.settings)


async def ready(request: Request) -> dict[str, Any]:
    """Wants traffic: started, not draining, and the database was reached once, with a schema that is new enough.

    A later outage of the database does not take readiness back: it would take all instances out at once, where each
    of them can answer with an honest 503.
    """
    lifecycle: Lifecycle = request.app.state.lifecycle
    if lifecycle.draining:
        raise Unavailable("The service is shutting down.", code="draining", retry_after=5)
    if not lifecycle.started:
        raise Unavailable("The service is starting.", code="starting")
    if lifecycle.schema is None:
        lifecycle.schema = await _schema(request.app)
    return {"status": "ready", "schema": lifecycle.schema}


async def _schema(app: FastAPI) -> str:
    """The revision of the database's schema. Raises Unavailable while it is not there or too old."""
    database: Database = app.state.database
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            head = await database.schema_head()
    except Exception as error:
        log.warning("database not reached", error=repr(error)[:500])
        raise Unavailable("The database was not reached yet.", code="database_unavailable", retry_after=2) from error
    minimum = app.state.settings.schema_minimum
    if not is_recent_enough(head, minimum):
        raise Unavailable(
            f"The database's schema is at {head or 'no revision'}; this version needs {minimum or 'a newer one'}.",
            code="schema_too_old",
            retry_after=5,
        )
    return head or ""


async def metrics(request: Request) -> Response:
    body, content_type = request.app.state.metrics.render(request.headers.get("accept", ""))
    return Response(body, headers={"Content-Type": content_type})


def install(app: FastAPI) -> None:
    """Serve the probes at the root, `/health` under the API as well, and `/metrics` unless it has a port of its own."""
    settings: Settings = app.state.settings
    router = Router(tags=["health"], dependencies=[public])
    router.add_api_route("/health", health, operation_id="health", summary="Is it alive?")
    router.add_api_route(
        "/ready", ready, operation_id="ready", summary="Does it want traffic?", responses={503: problem_answer(503)}
    )
    router.add_api_route(f"{settings.api_v1_str}/health", health, operation_id="api_health", summary="Is it alive?")
    if settings.metrics_port is None:
        router.add_api_route("/metrics", metrics, include_in_schema=False)
    include(app, [router], "")
