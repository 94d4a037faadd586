"""A TCP proxy that can break: between the service and PostgreSQL, to show what the service does about it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from app.settings.database_url import parse_database_url

Pipe = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """Listens on 127.0.0.1. `delay` in seconds holds up every chunk, in both directions."""

    def __init__(self, database_url: str) -> None:
        self.delay = 0.0
        self._database = parse_database_url(database_url)
        self._port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()

    @property
    def url(self) -> str:
        """The database by way of the proxy."""
        url = self._database.set(drivername="postgresql", host="127.0.0.1", port=self._port)
        return url.difference_update_query(["host"]).render_as_string(hide_password=False)

    async def restore(self) -> None:
        """Listen, on the same port as before, and let everything through."""
        self._flowing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """End every connection and refuse new ones: PostgreSQL is down."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()
        self._flowing.set()
        await asyncio.sleep(0)

    def swallow(self) -> None:
        """Keep connections, take new ones, and let nothing through: a network that lost its way."""
        self._flowing.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._flowing.wait()
            upstream = await self._connect()
            self._writers.add(upstream[1])
            await asyncio.gather(self._pump((reader, upstream[1])), self._pump((upstream[0], writer)))
        except OSError:
            writer.transport.abort()
        finally:
            self._writers.discard(writer)

    async def _connect(self) -> Pipe:
        host, port = self._database.query.get("host") or self._database.host or "localhost", self._database.port or 5432
        if isinstance(host, str) and host.startswith("/"):  # libpq takes a folder for that of a UNIX socket
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(str(host), port)

    async def _pump(self, pipe: Pipe) -> None:
        reader, writer = pipe
        with suppress(OSError, RuntimeError):  # uvloop calls a closed transport a RuntimeError
            while chunk := await reader.read(65536):
                await asyncio.sleep(self.delay)
                await self._flowing.wait()
                writer.write(chunk)
                await writer.drain()
        writer.close()
        self._writers.discard(writer)


@asynccontextmanager
async def proxied(database_url: str) -> AsyncIterator[Proxy]:
    proxy = Proxy(database_url)
    await proxy.restore()
    try:
        yield proxy
    finally:
        await proxy.cut()
