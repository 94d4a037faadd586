"""The engine: SQLAlchemy's pool of asyncpg connections, with the limits set on every connection."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.core.config import Settings
from app.db.connecting import Connecting
from app.db.json import from_json, to_json_text
from app.db.moments import send_exactly
from app.db.pooler import limits, through_pooler

# Seconds for the network, beyond the time limit of a statement.
NETWORK_SECONDS = 1.0


def make_engine(settings: Settings) -> AsyncEngine:
    """Return the engine and its pool. It connects on first use.

    No pre-ping: it costs three round trips a request; a dead connection is detected at checkout, or retried.
    No reset on return: a unit of work ends its transaction itself, and `Database` checks before it returns one.
    """
    return connecting_engine(
        settings.sqlalchemy_url,
        pool_size=settings.pool_size,
        max_overflow=settings.max_overflow,
        pool_timeout=settings.pool_timeout_seconds,
        pool_recycle=1800,
        pool_use_lifo=True,
        pool_reset_on_return=None,
        json_serializer=to_json_text,
        json_deserializer=from_json,
        connect_args={
            "timeout": settings.connect_timeout_seconds,
            "command_timeout": _command_timeout(settings),
            **(through_pooler(settings) if settings.database_pooler else _direct(settings)),
        },
    )


def connecting_engine(url: URL, *, connect_args: dict[str, Any] | None = None, **options: Any) -> AsyncEngine:
    """Return an engine for a URL of `parse_database_url`; a failed connection raises NotConnected."""
    engine = create_async_engine(url, connect_args={"async_creator_fn": Connecting, **(connect_args or {})}, **options)
    send_exactly(engine.dialect)
    return engine


def _direct(settings: Settings) -> dict[str, Any]:
    """Return the limits as start-up parameters of the session, which cost nothing."""
    return {"server_settings": {"application_name": settings.service_name, **limits(settings)}}


def _command_timeout(settings: Settings) -> float | None:
    """Return the client's time limit in seconds: PostgreSQL's own ends first, unless it cannot be reached."""
    return settings.statement_timeout_ms / 1000 + NETWORK_SECONDS if settings.statement_timeout_ms else None
