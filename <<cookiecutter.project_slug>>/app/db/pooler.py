"""Connections through a pooler such as PgBouncer, in session or in transaction mode.

A pooler shares one server connection between many clients, in transaction mode after each transaction. So a connection
keeps no state: no start-up parameters (PgBouncer rejects them), no named prepared statements, and the limits are set in
each transaction. `Database` runs every unit of work in one: otherwise the two halves of a query, Parse and Execute,
could reach different servers.
"""

from __future__ import annotations

from typing import Any

import asyncpg

from app.core.config import Settings

IDLE_IN_TRANSACTION_MS = "10000"


def limits(settings: Settings) -> dict[str, str]:
    """Return PostgreSQL's parameters that limit a request, by name; times in milliseconds."""
    return {
        "statement_timeout": str(settings.statement_timeout_ms),
        "lock_timeout": str(settings.lock_timeout_ms),
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_MS,
        "jit": "off",
    }


class LimitedConnection(asyncpg.Connection):
    """Sets the limits with each BEGIN, in the same message: they end with the transaction."""

    limits = ""

    async def execute(self, query: str, *arguments: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109
        if not arguments and query.startswith("BEGIN"):  # of asyncpg's own Transaction, for sessions as well
            query += self.limits
        tag: str = await super().execute(query, *arguments, timeout=timeout)
        return tag


def through_pooler(settings: Settings) -> dict[str, Any]:
    """Return the connection's arguments: a pooler accepts only the application's name at start-up."""
    statements = "".join(f" SET LOCAL {name} = '{value}';" for name, value in limits(settings).items())
    return {
        "server_settings": {"application_name": settings.service_name},
        "connection_class": type("Limited", (LimitedConnection,), {"limits": statements}),
        # asyncpg's statements for `Connection`, then the dialect's for sessions: none has a name.
        "statement_cache_size": 0,
        "prepared_statement_cache_size": 0,
        "prepared_statement_name_func": str,
    }
