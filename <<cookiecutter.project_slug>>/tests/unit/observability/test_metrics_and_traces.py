"""Metrics as Prometheus reads them, and traces once somebody wants them."""

import socket
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from httpx2 import AsyncClient
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.api.routing import Router
from app.api.v1.endpoints import health
from app.core.config import Settings
from app.core.security import public
from app.lifecycle import Lifecycle
from app.observability.metrics import Metrics
from app.observability.tracing import telemetry_config
from app.request_context import REQUEST
from app.server.metrics_server import metrics_server
from tests.unit.conftest import ClientOf, MakeApp

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


async def test_the_exposition(make_app: MakeApp, client_of: ClientOf) -> None:
    app = make_app()
    health.install(app)
    app.state.metrics.pool = lambda: SimpleNamespace(used=2, idle=3, maximum=10, waiting=4)
    answer = await client_of(app).get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    for line in (
        'db_client_connection_count{state="used"} 2.0',
        'db_client_connection_count{state="idle"} 3.0',
        "db_client_connection_max 10.0",
        "db_client_connection_pending_requests 4.0",
        "http_server_active_requests 1.0",
        "service_ready 0.0",
    ):
        assert line in answer.text.splitlines()
    assert sys.platform != "linux" or "process_cpu_seconds_total" in answer.text  # read from proc(5)
    assert 'deployment_environment_name="test"' in next(
        line for line in answer.text.splitlines() if line.startswith("target_info")
    )
    openmetrics = await client_of(app).get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert openmetrics.headers["Content-Type"].startswith("application/openmetrics-text")
    assert openmetrics.text.rstrip().endswith("# EOF")


async def test_readiness_is_a_metric_too(make_app: MakeApp, client_of: ClientOf) -> None:
    app = make_app()
    health.install(app)
    lifecycle = app.state.lifecycle
    lifecycle.started, lifecycle.schema = True, "a1"
    assert "service_ready 1.0" in (await client_of(app).get("/metrics")).text
    lifecycle.draining = True
    assert "service_ready 0.0" in (await client_of(app).get("/metrics")).text


def test_without_a_pool_there_are_no_figures_of_one() -> None:
    assert b"db_client_connection" not in Metrics(Lifecycle(), {}).render("")[0]


async def test_metrics_on_a_port_of_their_own(make_app: MakeApp, client_of: ClientOf) -> None:
    app = make_app(metrics_port=0)
    health.install(app)
    assert (await client_of(app).get("/metrics")).status_code == 404
    with metrics_server(app.state.settings, app.state.metrics) as port:
        async with AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            answer, head = await client.get("/metrics"), await client.head("/metrics")
        assert "http_server_active_requests" in answer.text
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Type"] == answer.headers["Content-Type"]
        assert int(head.headers["Content-Length"]) > 0
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port or 0)).close()


def test_metrics_on_the_services_own_port_need_no_server(make_app: MakeApp) -> None:
    app = make_app()
    with metrics_server(app.state.settings, app.state.metrics) as port:
        assert port is None


def test_traces_are_off_without_an_endpoint(clean_environment: pytest.MonkeyPatch) -> None:
    config = telemetry_config(Settings())
    assert not any(config.get(name) for name in ("tracing", "metrics", "logs", "auto_configure"))


@pytest.fixture
def tracing(clean_environment: pytest.MonkeyPatch) -> dict[str, Any]:
    return {"otel_exporter_otlp_endpoint": "http://127.0.0.1:1/", "otel_traces_sampler_arg": 1.0}


async def test_spans_and_logs_share_their_ids(make_app: MakeApp, client_of: ClientOf, tracing: dict[str, Any]) -> None:
    contexts: list[dict[str, str]] = []
    router = Router(dependencies=[public])

    @router.get("/items/{id}")
    async def get_item(id: int) -> int:
        contexts.append(REQUEST.get() or {})
        return id

    app = make_app(router, "/api/v1", **tracing)
    health.install(app)
    provider: Any = app._telemetry["tracer_provider"]
    provider.shutdown()  # no exporter that calls at a port where nobody is
    memory = InMemorySpanExporter()
    provider._active_span_processor._span_processors = (SimpleSpanProcessor(memory),)
    client = client_of(app)
    await client.get("/api/v1/items/1", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    await client.get("/health")
    await client.get("/metrics")
    (span,) = memory.get_finished_spans()
    assert span.name == "GET /api/v1/items/{id}"
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert contexts[0]["trace_id"] == TRACE
    assert contexts[0]["span_id"] == f"{span.context.span_id:016x}"
    assert "parent_id" not in contexts[0]


@pytest.mark.parametrize(("flag", "spans"), [("01", 1), ("00", 0)])
async def test_the_callers_decision_on_sampling_is_kept(
    make_app: MakeApp, client_of: ClientOf, tracing: dict[str, Any], flag: str, spans: int
) -> None:
    app = make_app(**{**tracing, "otel_traces_sampler_arg": 0.0})
    provider: Any = app._telemetry["tracer_provider"]
    provider.shutdown()
    memory = InMemorySpanExporter()
    provider._active_span_processor._span_processors = (SimpleSpanProcessor(memory),)
    await client_of(app).get("/nothing", headers={"traceparent": f"00-{TRACE}-{PARENT}-{flag}"})
    assert len(memory.get_finished_spans()) == spans
