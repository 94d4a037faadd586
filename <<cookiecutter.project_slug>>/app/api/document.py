"""/openapi.json: the document is built once, in its own thread, and kept as bytes.

FastAPI and pydantic take about 1 ms for each field of each model: seconds for a large domain, in which the event loop
would handle no request and no signal. The thread is not in the event loop's pool, which shutdown waits for.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

from fastapi import Request, Response

THREAD = "openapi"


class Document:
    def __init__(self, build: Callable[[], dict[str, Any]]) -> None:
        self._build = build
        self._body: asyncio.Future[bytes] | None = None

    async def answer(self, request: Request) -> Response:
        body = await self._built()
        if prefix := request.scope.get("root_path"):
            # Only the request shows which prefix a proxy removed from the path; the rest need not be serialised again.
            body = b'{"servers":' + json.dumps([{"url": prefix}]).encode() + b"," + body[1:]
        return Response(body, media_type="application/json")

    async def _built(self) -> bytes:
        """Build once for all waiting requests; a failed build is retried for the next request."""
        if self._body is None:
            loop = asyncio.get_running_loop()
            self._body = loop.create_future()
            threading.Thread(target=self._run, args=(loop, self._body), name=THREAD, daemon=True).start()
        body = self._body
        try:
            # A client that disconnects does not cancel the build for the others.
            return await asyncio.shield(body)
        except Exception:
            if self._body is body:
                self._body = None
            raise

    def _run(self, loop: asyncio.AbstractEventLoop, body: asyncio.Future[bytes]) -> None:
        try:
            # Not orjson: the bounds of a decimal are integers beyond its 64 bits.
            built = json.dumps(self._build(), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        except Exception as error:
            _tell(loop, _fail, body, error)
        else:
            _tell(loop, _finish, body, built)


def is_being_built() -> bool:
    """Return True while the thread runs: the interpreter must not be finalised under it, nor wait for it."""
    return any(thread.name == THREAD for thread in threading.enumerate())


def _tell(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *arguments: object) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call, *arguments)


def _finish(body: asyncio.Future[bytes], built: bytes) -> None:
    if not body.done():
        body.set_result(built)


def _fail(body: asyncio.Future[bytes], error: Exception) -> None:
    if not body.done():
        body.set_exception(error)
        body.exception()  # retrieved, even when every waiting client has disconnected
