"""Fixtures of the unit tests: applications of a few routes, without a database."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog
from fastapi import APIRouter
from httpx2 import ASGITransport, AsyncClient

from app.api.application import Service
from app.api.routing import include
from app.core import config, security
from app.core.config import Settings
from tests.support.surroundings import settings_there

MakeApp = Callable[..., Service]
ClientOf = Callable[[Service], AsyncClient]


@pytest.fixture(autouse=True)
def plain_tracebacks() -> Iterator[None]:
    """structlog without a configuration renders tracebacks prettily: a second for each 500."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, renderer])
    yield
    structlog.reset_defaults()


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """No setting of this machine's: neither from the environment, nor from files."""
    for name in settings_there():
        monkeypatch.delenv(name)
    monkeypatch.setattr(config, "ROOT", tmp_path)
    monkeypatch.setattr(config, "SECRETS_DIR", tmp_path / "secrets")
    return monkeypatch


@pytest.fixture
def make_app(clean_environment: pytest.MonkeyPatch) -> MakeApp:
    """An application with the layers of the real one: `make_app(router, max_concurrency=1)`."""

    def make(router: APIRouter | None = None, prefix: str = "", **settings: Any) -> Service:
        values: dict[str, Any] = {"ENVIRONMENT": "test", "log_level": "WARNING", **settings}
        app = Service(Settings(**values))
        security.install(app)
        if router is not None:
            include(app, [router], prefix)
        return app

    return make


@pytest.fixture
async def client_of() -> AsyncIterator[ClientOf]:
    """A client of an application. What the application raises is not passed on: a server's client sees the answer."""
    async with AsyncExitStack() as stack:

        def make(app: Service) -> AsyncClient:
            client = AsyncClient(transport=ASGITransport(app), base_url="http://test")
            stack.push_async_callback(client.aclose)
            return client

        yield make


@pytest.fixture
def configuration(clean_environment: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A clean environment, and nothing read from it that outlives the test."""
    config.get_settings.cache_clear()
    yield clean_environment
    config.get_settings.cache_clear()
