"""The assembled service. Importing it has no effect: `create_app` is the factory, `python -m app` runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app.api import docs
from app.api.application import Service
from app.api.routing import include
from app.api.v1.endpoints import health
from app.core import security
from app.core.config import Settings, get_settings, load
from app.core.database import Database, make_engine
from app.lifecycle import Lifecycle
from app.observability.logging import configure_logging
from app.observability.tracing import send_last_traces
from app.resources import ROUTERS
from app.server.metrics_server import metrics_server


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Start without waiting for the database; /ready reports an outage."""
    with metrics_server(app.state.settings, app.state.metrics):
        app.state.lifecycle.started = True
        try:
            yield
        finally:
            # % if cookiecutter.auth == "accounts"
            await app.state.accounts.stop()
            # % endif
            await app.state.database.stop()
            await send_last_traces(app.state.tracer_provider)


def create_app(lifecycle: Lifecycle | None = None) -> Service:
    """Create the application. Raises ConfigurationError for settings that do not allow a start."""
    load(Settings, *security.SETTINGS)
    settings = get_settings()
    configure_logging(settings)
    app = Service(settings, lifecycle, lifespan=lifespan)
    app.state.database = Database(make_engine(settings), pooler=settings.database_pooler)
    app.state.metrics.pool = app.state.database.figures
    security.install(app)
    # Routes are matched in order, 0.6 us each: the most frequent ones come first.
    include(app, ROUTERS, settings.api_v1_str)
    # % if cookiecutter.auth == "accounts"
    from app.accounts import install as accounts

    accounts.install(app, settings.api_v1_str)
    # % endif
    health.install(app)
    if settings.docs:
        docs.install(app)
    security.refuse_unprotected(app, settings.api_v1_str)
    return app
