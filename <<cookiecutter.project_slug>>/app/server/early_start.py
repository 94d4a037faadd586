"""Listen before the application is imported, so that liveness probes succeed during start-up.

`/health` answers at once, and every other request waits for the application: a restart delays requests instead of
refusing them, and `/ready` comes no earlier. Nothing imported here may import FastAPI, which takes most of the time.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import TYPE_CHECKING

import orjson
import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.config import ConfigurationError, Settings
from app.core.exceptions import Unavailable, send_problem
from app.lifecycle import Lifecycle
from app.middleware.outermost import Outermost
from app.observability.release import alive
from app.request_context import route_path
from app.server.listening import PortInUse

if TYPE_CHECKING:
    from starlette.applications import Starlette

log = structlog.get_logger("app.early_start")

_JSON = (b"content-type", b"application/json")


class _Uncounted:
    """Placeholder for the metrics, which do not count probes."""

    active_requests = 0

    def request(self, method: str, route: str, status: int, seconds: float) -> None: ...


class EarlyStart:
    """The ASGI application for the server: `/health` at first, and the result of `make` as soon as it is ready.

    `make` runs in a thread, because imports would block the event loop. Its exception is kept in `failure`, and ends
    the server through the lifecycle.
    """

    def __init__(self, make: Callable[[], Starlette], settings: Settings, lifecycle: Lifecycle) -> None:
        self.make = make
        self.settings = settings
        self.lifecycle = lifecycle
        self.failure: Exception | None = None
        self._app: ASGIApp | None = None
        self._decided = asyncio.Event()
        self._closing = asyncio.Event()
        self._early = Outermost(
            self._say,
            lifecycle=lifecycle,
            metrics=_Uncounted(),
            access_log=None,
            route_of=lambda _: "",
            quiet=frozenset({"/health", f"{settings.api_v1_str}/health"}),
            hsts=not settings.is_development,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            if scope["type"] == "lifespan":
                await self._live(receive, send)
                return
            if route_path(scope) not in self._early.quiet:
                await self._decided.wait()
        await (self._app or self._early)(scope, receive, send)

    async def _say(self, scope: Scope, receive: Receive, send: Send) -> None:
        if route_path(scope) not in self._early.quiet:
            await send_problem(scope, send, Unavailable("The service cannot start; its log has the reason."))
            return
        body = orjson.dumps(alive(self.settings))
        headers = [_JSON, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _live(self, receive: Receive, send: Send) -> None:
        """Run the lifespan protocol, with the application's own lifespan inside."""
        await receive()
        await send({"type": "lifespan.startup.complete"})
        opening = asyncio.create_task(self._open())
        await receive()
        self._closing.set()
        await opening
        await send({"type": "lifespan.shutdown.complete"})

    async def _open(self) -> None:
        try:
            app = await asyncio.to_thread(self.make)
            async with app.router.lifespan_context(app):
                self._app = app
                self._decided.set()
                _keep_for_good()
                await self._closing.wait()
        except Exception as error:
            if isinstance(error, PortInUse):
                log.error(str(error))
            elif not isinstance(error, ConfigurationError):  # which is notified when the server has ended
                log.exception("the application could not be created", error=type(error).__name__)
            self.failure = error
        finally:
            self.lifecycle.failed = self._app is None
            self._decided.set()


def _keep_for_good() -> None:
    """Exclude objects of the start-up from garbage collection: they live as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()
