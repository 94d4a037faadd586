"""SQLAlchemy on a database with a URL in the form of libpq and asyncpg."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg
    from sqlalchemy.ext.asyncio import AsyncConnection


class NotConnected(Exception):
    """The connection failed. The message has the reason."""


@asynccontextmanager
async def connection(url: str) -> AsyncIterator[AsyncConnection]:
    """Open a connection. Raises NotConnected."""
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    # asyncpg reads the URL: SQLAlchemy's dialect does not support libpq's parameters.
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: _connected(url), poolclass=NullPool)
    async with engine.connect() as made:
        yield made


async def _connected(url: str) -> asyncpg.Connection:
    import asyncpg

    try:
        return await asyncpg.connect(url)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise NotConnected(str(error)) from error
