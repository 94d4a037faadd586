"""The end of a process whose collector is down: the last traces do not hold it up."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.db import pool
from app.observability import tracing
from tests.unit.server.test_draining import Start, start, status_of, wait_for_start  # noqa: F401 - a fixture
from toolkit.deploy.inventory.schema import LAST_SECONDS

# Twice what the grace period would be with GRACEFUL_SECONDS=1, for a busy machine. The library alone takes 30 s.
BOUND_SECONDS = 2 * (1 + LAST_SECONDS)


@contextmanager
def collector(status: int | None) -> Iterator[tuple[str, threading.Event]]:
    """A collector that refuses every export with `status`, or with None never answers; and whether it was asked."""
    asked, released = threading.Event(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.set()
            if status is None:
                released.wait()
                return
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        released.set()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("status", [503, None], ids=["503", "no answer"])
def test_a_collector_that_is_down_does_not_hold_up_the_end(start: Start, status: int | None) -> None:  # noqa: F811
    with collector(status) as (endpoint, asked):
        process, port = start(
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
            OTEL_EXPORTER_OTLP_TRACES_TIMEOUT="3600",
            OTEL_TRACES_SAMPLER_ARG="1",
            DRAIN_SECONDS="0",
            GRACEFUL_SECONDS="1",
        )
        wait_for_start(process, port)
        assert status_of(port, "/nothing") == 404
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=300) == 0
        assert asked.is_set(), "the last traces were sent"
        assert time.monotonic() - began < BOUND_SECONDS


def test_the_grace_period_counts_what_comes_after_the_last_request() -> None:
    assert tracing.FLUSH_SECONDS + pool.SETTLE_SECONDS <= LAST_SECONDS / 2


def test_a_collector_that_works_gets_the_last_traces(start: Start) -> None:  # noqa: F811
    with collector(200) as (endpoint, asked):
        process, port = start(
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_TRACES_SAMPLER_ARG="1", OTEL_BSP_SCHEDULE_DELAY="3600000"
        )
        wait_for_start(process, port)
        assert status_of(port, "/nothing") == 404
        assert not asked.is_set()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=300) == 0
        assert asked.is_set()
