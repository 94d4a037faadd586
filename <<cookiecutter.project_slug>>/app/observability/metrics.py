"""Metrics for Prometheus.

Names follow the semantic conventions of OpenTelemetry (HTTP and database client), in Prometheus' spelling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

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

from app.lifecycle import Lifecycle

# A second series per child, redundant with the first.
disable_created_metrics()

# Boundaries recommended by the semantic convention for http.server.request.duration, in seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
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
    """The instruments of one application, in their own registry (tests create many applications)."""

    def __init__(self, lifecycle: Lifecycle, info: Mapping[str, str]) -> None:
        """`info` are the labels of `target_info`, which identify the release."""
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
            "db_client_errors", "Errors returned by PostgreSQL, by SQLSTATE.", ("sqlstate",), registry=self.registry
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
        """Return the exposition in the format of `accept`, and its media type."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type


class _Gauges(Collector):
    """Figures that are read at each scrape, so that requests do not pay for them."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        info = GaugeMetricFamily("target_info", "The running release.", labels=list(self._metrics.info))
        info.add_metric(list(self._metrics.info.values()), 1)
        yield info
        yield GaugeMetricFamily(
            "service_ready", "1 while the instance is ready for traffic.", value=self._metrics.lifecycle.ready
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
