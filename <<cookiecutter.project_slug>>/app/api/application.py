"""The FastAPI application with the layers that every request passes, and its complete OpenAPI document."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from app.api import errors
from app.api.document import Document
from app.api.openapi import complete
from app.api.routing import RouteTemplates
from app.core.config import Settings
from app.lifecycle import Lifecycle
from app.middleware.admission import Admission
from app.middleware.body_limit import BodyLimit
from app.middleware.cors import Cors
from app.middleware.head import HeadAsGet
from app.middleware.outermost import Outermost
from app.observability.logging import access_log
from app.observability.metrics import Metrics
from app.observability.release import quiet_paths, release
from app.observability.tracing import telemetry_config


class Service(FastAPI):
    """`app.state` holds settings, lifecycle, metrics and (set by the lifespan's owner) database."""

    def __init__(self, settings: Settings, lifecycle: Lifecycle | None = None, **options: Any) -> None:
        traces = telemetry_config(settings)
        super().__init__(
            title=settings.project_name,
            description=settings.description,
            version=settings.version,
            telemetry=traces,
            redirect_slashes=False,
            docs_url=None,
            redoc_url=None,
            openapi_url="/openapi.json" if settings.docs else None,
            **options,
        )
        self.state.settings = settings
        self.state.lifecycle = lifecycle or Lifecycle()
        self.state.metrics = Metrics(self.state.lifecycle, release(settings))
        self.state.tracer_provider = traces.get("tracer_provider")
        errors.install(self)

    def setup(self) -> None:
        """Replace FastAPI's own route: its /openapi.json builds the document on the event loop."""
        if self.openapi_url:
            self.add_route(self.openapi_url, Document(self.openapi).answer, include_in_schema=False)

    def build_middleware_stack(self) -> ASGIApp:
        """Wrap Starlette's own stack in ours: its error handler must not be the last to see a response.

        From the outside in: ids, log, metrics and headers; CORS where origins are set; the size of the body; admission;
        HEAD as GET. CORS wraps the layers that refuse requests, so that a browser can read the reason.
        """
        settings: Settings = self.state.settings
        quiet = quiet_paths(settings)
        app = HeadAsGet(super().build_middleware_stack())
        app = Admission(
            app,
            limit=settings.max_concurrency,
            queue=settings.max_queue,
            patience=settings.queue_seconds,
            quiet=quiet,
        )
        app = BodyLimit(app, limit=settings.body_limit_bytes, patience=settings.body_seconds)
        if settings.backend_cors_origins:
            app = Cors(app, settings.backend_cors_origins)
        return Outermost(
            app,
            lifecycle=self.state.lifecycle,
            metrics=self.state.metrics,
            access_log=access_log(settings),
            route_of=RouteTemplates(self),
            quiet=quiet,
            hsts=not settings.is_development,
        )

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        if "Problem" not in document.get("components", {}).get("schemas", {}):
            complete(document, self.state.settings.api_v1_str)
        return document
