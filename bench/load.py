"""The load: a fixed number of keep-alive connections to 127.0.0.1, each with one request in flight.

A separate process (`python -m bench.load`, a `Load` as JSON on stdin, a `Result` as JSON on stdout), so that it can run
on another core than the server; README.md has the comparison with wrk. Bounded in count and in time, whatever the
server does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from time import perf_counter
from typing import cast

import uvloop

HOST = "127.0.0.1"
# A server that does not answer must not block the run.
GRACE_SECONDS = 10
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length: "


@dataclass(frozen=True)
class Load:
    """A load: `requests` are sent in turn, repeatedly and unchanged: text of complete HTTP/1.1 requests."""

    port: int
    requests: Sequence[str]
    status: int = 200
    connections: int = 8
    seconds: float = 2.0
    most: int = 1_000_000


@dataclass(frozen=True)
class Result:
    """Figures of a load: `median` and `p99` in milliseconds; `unexpected` counts responses with another status."""

    requests: int
    seconds: float
    median: float
    p99: float
    unexpected: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


class Client(asyncio.Protocol):
    """One connection. Answers need a Content-Length, which every answer of the applications here has."""

    transport: asyncio.Transport

    def __init__(self, run: Run) -> None:
        self.run = run
        self.buffer = b""
        self.sent = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head = self.buffer.find(_END_OF_HEAD)
        if head < 0:
            return
        start = self.buffer.lower().find(_LENGTH, 0, head) + len(_LENGTH)
        length = int(self.buffer[start : self.buffer.find(b"\r", start)])
        if len(self.buffer) < head + len(_END_OF_HEAD) + length:
            return
        now = perf_counter()
        self.run.answered(self.buffer[9:12], now - self.sent)
        self.buffer = b""
        if self.run.goes_on(now):
            self._send()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        self.sent = perf_counter()
        self.transport.write(next(self.run.requests))


class Run:
    """State shared by the clients of one load."""

    def __init__(self, load: Load) -> None:
        self.requests: Iterator[bytes] = cycle([text.encode() for text in load.requests])
        self.status = str(load.status).encode()
        self.most = load.most
        self.latencies = array("d")
        self.unexpected = 0
        self.end = perf_counter() + load.seconds

    def answered(self, status: bytes, seconds: float) -> None:
        self.latencies.append(seconds)
        if status != self.status:
            self.unexpected += 1

    def goes_on(self, now: float) -> bool:
        return now < self.end and len(self.latencies) < self.most


async def send(load: Load) -> Result:
    loop = asyncio.get_running_loop()
    began = perf_counter()
    run = Run(load)
    made = [await loop.create_connection(lambda: Client(run), HOST, load.port) for _ in range(load.connections)]
    async with asyncio.timeout(load.seconds + GRACE_SECONDS):
        await asyncio.gather(*(client.done for _, client in made))
    seconds = perf_counter() - began
    latencies = sorted(run.latencies)
    return Result(
        requests=len(latencies),
        seconds=seconds,
        median=latencies[len(latencies) // 2] * 1000,
        p99=latencies[int(len(latencies) * 0.99)] * 1000,
        unexpected=run.unexpected,
    )


if __name__ == "__main__":
    json.dump(asdict(uvloop.run(send(Load(**json.load(sys.stdin))))), sys.stdout)
