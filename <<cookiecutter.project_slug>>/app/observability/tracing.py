"""Traces for OpenTelemetry.

FastAPI creates the spans; it is enabled by OTEL_EXPORTER_OTLP_ENDPOINT, and costs nothing without it.
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

# The longest wait for a collector at shutdown, part of LAST_SECONDS in toolkit/deploy/inventory/schema.py.
FLUSH_SECONDS = 3.0


async def send_last_traces(provider: TracerProvider | None) -> None:
    """Send the remaining spans, for FLUSH_SECONDS at most: a collector that is down must not delay the shutdown.

    In its own thread: the exporter waits between attempts, and cannot be cancelled.
    """
    if provider is None:
        return
    sending = threading.Thread(target=provider.shutdown, name="traces", daemon=True)
    sending.start()
    await asyncio.to_thread(sending.join, FLUSH_SECONDS)
    if sending.is_alive():
        log.warning("traces lost", reason=f"the collector did not accept them within {FLUSH_SECONDS:g} s")


def telemetry_config(settings: Settings) -> TelemetryConfig:
    """Return the value for FastAPI(telemetry=...): everything off, or sampled traces to the collector."""
    endpoint = settings.otel_exporter_otlp_endpoint
    if not endpoint:
        return {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}

    # Imported here: the exporter takes 0.2 s of the start, and is rarely used.
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
        shutdown_on_exit=False,  # the service flushes at shutdown itself, within a time limit
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
