"""The engine: SQLAlchemy's pool of asyncpg connections, with the limits that every connection tells PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.core.config import Settings
from app.db.connecting import Connecting
from app.db.json import from_json, to_json_text
from app.db.moments import send_exactly
from app.db.pooler import limits, through_pooler

# How long an answer may take on its way, beyond the time of its statement.
NETWORK_SECONDS = 1.0


def make_engine(settings: Settings) -> AsyncEngine:
    """The engine and its pool. Nothing is connected before the first use.

    No pre-ping: it costs three round trips a request; a dead connection is noticed at checkout or retried instead.
    No reset on return: a unit of work ends its transaction itself, and `Database` looks before it gives back.
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
    """An engine that takes all of `parse_database_url`'s parameters; a connection that fails raises NotConnected."""
    engine = create_async_engine(url, connect_args={"async_creator_fn": Connecting, **(connect_args or {})}, **options)
    send_exactly(engine.dialect)
    return engine


def _direct(settings: Settings) -> dict[str, Any]:
    """The limits as parameters of the session's start, where they cost nothing."""
    return {"server_settings": {"application_name": settings.service_name, **limits(settings)}}


def _command_timeout(settings: Settings) -> float | None:
    """In seconds: PostgreSQL gives a statement up before. Only one that can be reached no more lets it come to this."""
    return settings.statement_timeout_ms / 1000 + NETWORK_SECONDS if settings.statement_timeout_ms else None
