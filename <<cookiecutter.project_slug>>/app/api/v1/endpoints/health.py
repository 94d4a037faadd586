"""Probes and metrics. `/health` reports a live process and has no dependencies; `/ready` reports that it can serve."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response

from app.api.answers import problems
from app.api.routing import Router, include
from app.core.config import Settings
from app.core.database import Database
from app.core.exceptions import Unavailable
from app.core.security import public
from app.db.connecting import failure_of
from app.db.revisions import RevisionError
from app.db.schema import is_recent_enough
from app.lifecycle import Lifecycle
from app.observability.release import alive

DATABASE_SECONDS = 2.0
# Seconds between checks of a database that was reached: it may refuse this service later (a rotated password).
ASK_AGAIN_SECONDS = 10.0

log = structlog.get_logger("app.health")


async def health(request: Request) -> dict[str, Any]:
    """Report a live process, with the service's version and the digest of its image."""
    return alive(request.app.state.settings)


async def ready(request: Request) -> dict[str, Any]:
    """Report readiness: started, not draining, and the database accepts the service and has a recent enough schema.

    An outage of the database does not end readiness: it would remove all instances at once, although each of them can
    answer with an honest 503. A database that rejects this service (its password, its role) does: only new settings
    help, and new instances may have them.
    """
    lifecycle: Lifecycle = request.app.state.lifecycle
    if lifecycle.draining:
        raise Unavailable("The service is shutting down.", code="draining", retry_after=5)
    if not lifecycle.started:
        raise Unavailable("The service is starting.", code="starting")
    now = asyncio.get_running_loop().time()
    if lifecycle.schema is None or now - lifecycle.asked >= ASK_AGAIN_SECONDS:
        lifecycle.schema = await _schema(request.app, lifecycle)
        lifecycle.asked = now
    return {"status": "ready", "schema": lifecycle.schema}


async def _schema(app: FastAPI, lifecycle: Lifecycle) -> str:
    """Return the revisions of the database's schema, separated by commas; in an outage, the last known ones.

    Raises Unavailable while the database was never reached, rejects this service, or has a schema that is too old.
    """
    database: Database = app.state.database
    known = lifecycle.schema
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            found = await database.schema_heads()
    except Exception as error:
        cause = failure_of(error)
        # toolkit/deploy/places/kubernetes/unready.py reads this line.
        told = {"reason": cause.reason, "advice": cause.advice, "refused": cause.refused}
        log.warning("database not reached", **told, error=repr(error)[:500])
        if known is not None and not cause.refused:
            return known
        lifecycle.schema = None
        code = "database_refused" if cause.refused else "database_unavailable"
        raise Unavailable(f"The database is unavailable: {cause.reason}.", code=code, retry_after=2) from error
    minimum, schema = app.state.settings.schema_minimum, ",".join(found)
    try:
        enough = is_recent_enough(found, minimum)
    except RevisionError as error:
        raise Unavailable(f"{error}.", code="revisions_unusable") from None
    if enough:
        return schema
    if known is not None:
        return known
    raise Unavailable(
        f"The database's schema is at {schema or 'no revision'}; this version needs {minimum or 'a newer one'}.",
        code="schema_too_old",
        retry_after=5,
    )


async def metrics(request: Request) -> Response:
    body, content_type = request.app.state.metrics.render(request.headers.get("accept", ""))
    return Response(body, headers={"Content-Type": content_type})


def install(app: FastAPI) -> None:
    """Serve the probes at the root, `/health` under the API too, and `/metrics` unless it has its own port."""
    settings: Settings = app.state.settings
    router = Router(tags=["health"], dependencies=[public])
    router.add_api_route("/health", health, operation_id="health", summary="Liveness probe")
    router.add_api_route("/ready", ready, operation_id="ready", summary="Readiness probe", responses=problems(503))
    router.add_api_route(f"{settings.api_v1_str}/health", health, operation_id="api_health", summary="Liveness probe")
    if settings.metrics_port is None:
        router.add_api_route("/metrics", metrics, include_in_schema=False)
    include(app, [router], "")
