"""Traces for OpenTelemetry.

FastAPI makes the spans itself; it is configured to once OTEL_EXPORTER_OTLP_ENDPOINT is set, and costs nothing before.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import structlog
from fastapi.telemetry import TelemetryConfig

from app.core.config import Settings
from app.observability.release import quiet_paths
from app.request_context import route_path

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

log = structlog.get_logger("app.telemetry")

# The longest wait for a collector at the end, part of LAST_SECONDS in toolkit/deploy/inventory/schema.py.
FLUSH_SECONDS = 3.0


async def send_last_traces(provider: TracerProvider | None) -> None:
    """Hand the collector what is left, for FLUSH_SECONDS at most: one that is down must not hold up the end.

    By a thread of its own: the exporter waits for its collector between attempts, and cannot be called off.
    """
    if provider is None:
        return
    sending = threading.Thread(target=provider.shutdown, name="traces", daemon=True)
    sending.start()
    await asyncio.to_thread(sending.join, FLUSH_SECONDS)
    if sending.is_alive():
        log.warning("traces lost", reason=f"the collector did not take them within {FLUSH_SECONDS:g} s")


def telemetry_config(settings: Settings) -> TelemetryConfig:
    """What FastAPI(telemetry=...) wants: everything off, or sampled traces to the collector at the endpoint."""
    endpoint = settings.otel_exporter_otlp_endpoint
    if not endpoint:
        return {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}

    # Imported here: the exporter takes 0.2 s of a start that mostly has no use for it.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

    quiet = quiet_paths(settings)
    provider = TracerProvider(
        sampler=ParentBasedTraceIdRatio(settings.otel_traces_sampler_arg),
        resource=Resource.create(
            {
                "service.name": settings.service_name,
                "service.version": settings.version,
                "deployment.environment.name": settings.environment,
            }
        ),
        shutdown_on_exit=False,  # at its end the service does so itself, for a bounded time
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")))
    return {
        "tracing": True,
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "auto_configure": False,
        "tracer_provider": provider,
        "exclude": lambda scope: "path" in scope and route_path(scope) in quiet,
    }
