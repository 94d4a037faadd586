"""Clients that keep their connections, send one request after another, and count what goes wrong.

They behave as RFC 9112 (9.6) asks: after `Connection: close` a client sends nothing more on the connection. It then
goes to another instance, so here it leaves. Nothing is sent a second time.
"""

import asyncio
from dataclasses import dataclass, field

REQUEST_SECONDS = 60


@dataclass
class Tally:
    """`left`: clients that were told to close. `failures`: what clients got in place of a good answer."""

    connected: int = 0
    answered: int = 0
    left: int = 0
    failures: list[str] = field(default_factory=list)


async def clients(
    address: tuple[str, int], path: str, headers: dict[str, str], *, count: int, pause: float, tally: Tally
) -> None:
    """Run `count` clients until each has left or failed. A client waits `pause` seconds between two requests."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {address[0]}", *(f"{name}: {value}" for name, value in headers.items())]
    request = "\r\n".join([*lines, "", ""]).encode()
    await asyncio.gather(*(_client(address, request, pause, number / count, tally) for number in range(count)))


async def _client(address: tuple[str, int], request: bytes, pause: float, offset: float, tally: Tally) -> None:
    await asyncio.sleep(pause * offset)
    writer: asyncio.StreamWriter | None = None
    try:
        reader, writer = await asyncio.open_connection(*address)
        tally.connected += 1
        while True:
            async with asyncio.timeout(REQUEST_SECONDS):
                status, close = await _exchange(reader, writer, request)
            if status >= 500:
                tally.failures.append(f"status {status}")
                return
            tally.answered += 1
            if close:
                tally.left += 1
                return
            await asyncio.sleep(pause)
    except (OSError, EOFError, TimeoutError) as error:
        tally.failures.append(repr(error))
    finally:
        if writer is not None:
            writer.close()


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, bool]:
    """Return the status, and True if the server closes the connection."""
    writer.write(request)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status_line, *lines = head.split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines if line)
    await reader.readexactly(int(fields.get("content-length", 0)))
    return int(status_line.split()[1]), fields.get("connection") == "close"
