"""uvicorn with connection draining: after SIGTERM it keeps serving until load balancers have moved traffic away.

A plain graceful shutdown closes the listening socket while the load balancer still sends connections to it, and closes
idle keep-alive connections that a client is about to use. So the first signal only starts draining: readiness returns
503, every response has `Connection: close`, and nothing else changes for DRAIN_SECONDS. Then follows uvicorn's graceful
shutdown, for GRACEFUL_SECONDS at most. A second signal ends the process at once.
"""

from __future__ import annotations

import os
import signal
import sys
from time import monotonic
from types import FrameType

import structlog
import uvicorn
from starlette.types import ASGIApp

from app.core.config import Settings
from app.lifecycle import Lifecycle
from app.middleware.forwarded import Forwarded
from app.server.listening import PortInUse, listen

# Longer than the idle timeout of any proxy in front (nginx 60 s, AWS 60 s): the proxy closes first.
KEEP_ALIVE_SECONDS = 80

# uvicorn's own exit code.
START_FAILED = 3

# A signal to a process group often arrives twice, the second time forwarded by the parent: these count as one.
SAME_SIGNAL_SECONDS = 0.3

log = structlog.get_logger("app.server")


class DrainingServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle, drain: float) -> None:
        super().__init__(config)
        self.lifecycle = lifecycle
        self.drain = drain
        self._first_signal: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # The signals are not added to uvicorn's list: it would raise them again after a clean end, and exit with 143.
        now = monotonic()
        if self._first_signal is not None:
            if now - self._first_signal < SAME_SIGNAL_SECONDS:
                return
            os.write(sys.stderr.fileno(), b"second signal: exiting at once\n")
            os._exit(128 + sig)
        self._first_signal = now
        self.lifecycle.draining = True
        if self.drain == 0:
            self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        # A signal handler must not log (it may have interrupted a log line); the next tick does, within 0.1 s.
        if self._first_signal is not None and not self.should_exit:
            left = self._first_signal + self.drain - monotonic()
            if counter % 10 == 0:
                log.info("draining", seconds_left=round(max(0.0, left), 1))
            self.should_exit = left <= 0
        if self.lifecycle.failed:
            self.should_exit = True
        return await super().on_tick(counter)


def make_server(app: ASGIApp, settings: Settings, lifecycle: Lifecycle) -> DrainingServer:
    host = settings.bind_host
    if settings.root_path or settings.forwarded_allow_ips or ":" in host:
        app = Forwarded(app, root_path=settings.root_path or "", trusted=settings.forwarded_allow_ips)
    config = uvicorn.Config(
        app,
        host=host,
        port=settings.port,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # app/middleware/forwarded.py handles more of them
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.graceful_seconds,
    )
    return DrainingServer(config, lifecycle, settings.drain)


def serve(app: ASGIApp, settings: Settings, lifecycle: Lifecycle) -> int:
    """Run until a signal. Returns 0 after a clean end, 3 when the start failed (uvicorn's own code).

    Raises ConfigurationError for a HOST or PORT that is not available on this machine.
    """
    server = make_server(app, settings, lifecycle)
    try:
        sockets = listen(settings.bind_host, settings.port)
    except PortInUse as taken:
        log.error(str(taken))
        return START_FAILED
    try:
        server.run(sockets)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0 if server.started and not lifecycle.failed else START_FAILED
