"""/metrics on METRICS_PORT, separate from the API: for a Prometheus on a network that clients cannot reach."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler

from prometheus_client import make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from app.server.listening import listen

if TYPE_CHECKING:
    from app.core.config import Settings
    from app.observability.metrics import Metrics

SECONDS_TO_END = 2
StartResponse = Callable[..., Any]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Log nothing: scrapes would hide other lines."""


@contextmanager
def metrics_server(settings: Settings, metrics: Metrics) -> Iterator[int | None]:
    """Serve in threads while the block runs, and yield the port; nothing without METRICS_PORT.

    Raises ConfigurationError and PortInUse.
    """
    if settings.metrics_port is None:
        yield None
        return
    application = _with_head(make_wsgi_app(metrics.registry))
    with ExitStack() as servers:
        sockets = listen(settings.bind_host, settings.metrics_port, "METRICS_PORT")
        for listening in sockets:
            servers.enter_context(_serving(listening, application))
        yield sockets[0].getsockname()[1]


@contextmanager
def _serving(listening: socket.socket, application: Callable[..., Iterable[bytes]]) -> Iterator[None]:
    host, port = listening.getsockname()[:2]
    server = ThreadingWSGIServer((host, port), _Quiet, bind_and_activate=False)
    server.socket.close()
    server.socket = listening
    # Attributes that binding would set, without a DNS look-up.
    server.server_name, server.server_port = host, port
    server.setup_environ()
    server.set_app(application)
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(SECONDS_TO_END)


def _with_head(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Answer HEAD as GET without the body (RFC 9110, 9.3.2); the library supports GET only."""

    def answer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "HEAD":
            return application(environ, start_response)
        started: list[tuple[str, list[tuple[str, str]]]] = []
        as_get = {**environ, "REQUEST_METHOD": "GET"}
        body = b"".join(application(as_get, lambda status, headers: started.append((status, headers))))
        ((status, headers),) = started
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [b""]

    return answer
