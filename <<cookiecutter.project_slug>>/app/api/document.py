"""/openapi.json: the document is built once, in a thread of its own, and kept as bytes.

FastAPI and pydantic take about 1 ms for each field of each model: seconds for a large domain, in which the event loop
would answer nobody and hear no signal. The thread is not one of the event loop's pool, whose end is waited for.
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
            # What a proxy took off the path is known with the request only; the rest need not be written again.
            body = b'{"servers":' + json.dumps([{"url": prefix}]).encode() + b"," + body[1:]
        return Response(body, media_type="application/json")

    async def _built(self) -> bytes:
        """One build for all who ask; what fails is tried again for the next one."""
        if self._body is None:
            loop = asyncio.get_running_loop()
            self._body = loop.create_future()
            threading.Thread(target=self._run, args=(loop, self._body), name=THREAD, daemon=True).start()
        body = self._body
        try:
            # A client that leaves does not take the document away from the others.
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
    """Whether a thread is at it: the interpreter must not be taken down around one, and its end not be waited for."""
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
        body.exception()  # seen, also when all who waited have gone
