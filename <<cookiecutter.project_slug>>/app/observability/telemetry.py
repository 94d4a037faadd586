"""Metrics for Prometheus, traces for OpenTelemetry.

Names follow the semantic conventions (HTTP and database client), in Prometheus' spelling. FastAPI makes the spans
itself; it is told to once OTEL_EXPORTER_OTLP_ENDPOINT is set, and costs nothing before.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

import structlog
from fastapi.telemetry import TelemetryConfig
from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from app.core.config import Settings
from app.lifecycle import Lifecycle
from app.request_context import route_path

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

log = structlog.get_logger("app.telemetry")

# A second series per child, of no use to anybody who keeps the first.
disable_created_metrics()

# The boundaries that the semantic convention for http.server.request.duration advises, in seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
# The longest wait for a collector at the end, part of LAST_SECONDS in deploy/environment.py.
FLUSH_SECONDS = 3.0
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY"})


class PoolFigures(Protocol):
    @property
    def used(self) -> int: ...
    @property
    def idle(self) -> int: ...
    @property
    def maximum(self) -> int: ...
    @property
    def waiting(self) -> int: ...


class Metrics:
    """The instruments of one application, in a registry of their own (tests make many applications)."""

    def __init__(self, lifecycle: Lifecycle, info: Mapping[str, str]) -> None:
        """`info` are the labels of `target_info`: what tells one release from another."""
        self.lifecycle = lifecycle
        self.info = info
        self.registry = CollectorRegistry()
        self.active_requests = 0
        self.pool: Callable[[], PoolFigures] | None = None
        self._children: dict[tuple[str, str, int], Callable[[float], None]] = {}
        self._duration = Histogram(
            "http_server_request_duration_seconds",
            "Duration of HTTP server requests.",
            ("http_request_method", "http_route", "http_response_status_code"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._errors = Counter(
            "db_client_errors", "Errors that PostgreSQL answered, by SQLSTATE.", ("sqlstate",), registry=self.registry
        )
        self.registry.register(_Gauges(self))
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request. `route` is a template, or empty for a path that no route matches."""
        key = (method, route, status)
        observe = self._children.get(key)
        if observe is None:
            known = method if method in METHODS else "_OTHER"
            observe = self._duration.labels(known, route, str(status)).observe
            if known == method:
                self._children[key] = observe
        observe(seconds)

    def database_error(self, sqlstate: str) -> None:
        self._errors.labels(sqlstate).inc()

    def render(self, accept: str) -> tuple[bytes, str]:
        """The exposition in the format that `accept` asks for, and its media type."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type


class _Gauges(Collector):
    """Figures that are read when somebody asks, so that a request does not pay for them."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        info = GaugeMetricFamily("target_info", "What runs here.", labels=list(self._metrics.info))
        info.add_metric(list(self._metrics.info.values()), 1)
        yield info
        yield GaugeMetricFamily(
            "service_ready", "1 while the instance wants traffic.", value=self._metrics.lifecycle.ready
        )
        yield GaugeMetricFamily(
            "http_server_active_requests", "Requests in progress.", value=self._metrics.active_requests
        )
        if self._metrics.pool is None:
            return
        figures = self._metrics.pool()
        count = GaugeMetricFamily("db_client_connection_count", "Pooled connections by state.", labels=["state"])
        count.add_metric(["used"], figures.used)
        count.add_metric(["idle"], figures.idle)
        yield count
        yield GaugeMetricFamily("db_client_connection_max", "Most connections allowed.", value=figures.maximum)
        yield GaugeMetricFamily(
            "db_client_connection_pending_requests", "Requests waiting for a connection.", value=figures.waiting
        )


def quiet_paths(settings: Settings) -> frozenset[str]:
    """Probes and scrapes: they would drown what clients see, in logs, metrics and traces alike."""
    return frozenset({"/health", "/ready", "/metrics", f"{settings.api_v1_str}/health"})


def release(settings: Settings) -> dict[str, str]:
    """What is running, by the resource attributes of OpenTelemetry in Prometheus' spelling."""
    return {
        "service_name": settings.service_name,
        "service_version": settings.version,
        "deployment_environment_name": settings.environment,
        "image_digest": settings.image_digest or "",
    }


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
