"""Applications beside the session's own: on a database of their own, or with other settings."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from app.core.config import get_settings
from app.main import create_app
from tests.support.identity import headers_for


@contextmanager
def environment(database_url: str, **settings: str) -> Iterator[None]:
    """Other environment variables, which settings that are read meanwhile come from."""
    kept = dict(os.environ)
    os.environ.update(settings, DATABASE_URL=database_url)
    get_settings.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
        get_settings.cache_clear()


@asynccontextmanager
async def application(database_url: str, **settings: str) -> AsyncIterator[FastAPI]:
    """An application on real connections. `settings` are environment variables."""
    with environment(database_url, **settings):
        app = create_app()
    try:
        yield app
    finally:
        await app.state.database.stop()


def client_of(app: FastAPI) -> AsyncClient:
    """A client that may do everything."""
    transport = ASGITransport(app, raise_app_exceptions=False)
    return AsyncClient(transport=transport, base_url="http://test", headers=headers_for(app=app))
