"""Connecting to PostgreSQL, and why it failed: one exception and one table of causes for everything that connects."""

from __future__ import annotations

import socket
from collections.abc import Coroutine, Generator
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy.exc import TimeoutError as PoolTimeout


@dataclass(frozen=True)
class Cause:
    """Why there is no connection. `reason` holds no address and no secret, so that `/ready` can show it.

    `refused`: waiting does not help, because the server (or this process) rejects what the settings say.
    """

    reason: str
    advice: str
    refused: bool


class NotConnected(Exception):
    """No connection to PostgreSQL was made. `sqlstate` is the server's, empty when it sent none."""

    def __init__(self, error: BaseException) -> None:
        self.sqlstate: str = getattr(error, "sqlstate", None) or ""
        self.cause = cause_of(error)
        super().__init__(f"{self.cause.reason}; {self.cause.advice} ({_words(error)})")


class Connecting:
    """asyncpg.connect, not begun before it is awaited. Raises NotConnected.

    A coroutine that SQLAlchemy makes and then cannot await (outside of a greenlet) ends in a RuntimeWarning.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._arguments, self._options = arguments, options

    def __await__(self) -> Generator[Any, None, Any]:
        connect: Coroutine[Any, Any, Any] = asyncpg.connect(*self._arguments, **self._options)
        try:
            return (yield from connect.__await__())
        except FAILURES as error:
            raise NotConnected(error) from error


# What asyncpg.connect raises: the server's errors, its own, and those of the network (TimeoutError is an OSError).
FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)

# By SQLSTATE, or its first two characters.
_REFUSALS = {
    "28P01": ("PostgreSQL rejected the password", "correct it in DATABASE_URL or POSTGRES_PASSWORD"),
    "28": ("PostgreSQL does not admit this user", "correct DATABASE_URL or POSTGRES_USER, the role or pg_hba.conf"),
    "3D": ("the database does not exist", "create it, or correct DATABASE_URL or POSTGRES_DB"),
    "42501": ("the user may not connect to this database", "GRANT CONNECT ON DATABASE to the user"),
    "55000": ("the database does not allow connections", "ALTER DATABASE ... ALLOW_CONNECTIONS true"),
}
_OUTAGES = {
    "53300": ("PostgreSQL has no free connection", "lower POOL_SIZE, or raise max_connections"),
    "57P": ("PostgreSQL is starting up or shutting down", "retry in a moment"),
}
_NO_ANSWER = Cause("PostgreSQL did not answer in time", "check the network, or raise CONNECT_TIMEOUT_SECONDS", False)
_NO_SUCH_HOST = Cause("the database's host name cannot be resolved", "correct the host, or check the DNS", False)
_NOBODY_LISTENS = Cause("no server accepts connections at the database's address", "start it, or correct it", False)
_ALL_IN_USE = Cause("all connections of this instance are in use", "raise POOL_SIZE", False)
_BROKEN_OFF = Cause("the connection broke off before it was established", "check the server's log", False)


def failure_of(error: BaseException) -> Cause:
    """Why a query failed that needs nothing but a connection; `error` may be anybody's wrapper."""
    seen: BaseException | None = error
    for _ in range(4):
        if isinstance(seen, NotConnected):
            return seen.cause
        if isinstance(seen, PoolTimeout):
            return _ALL_IN_USE
        if isinstance(seen, FAILURES):
            return cause_of(seen)
        seen = seen.__cause__ if seen is not None else None
    return Cause("an error inside of the service", "see the log", False)


def cause_of(error: BaseException) -> Cause:
    """Why asyncpg.connect raised `error`, one of FAILURES."""
    sqlstate = getattr(error, "sqlstate", None)
    if isinstance(sqlstate, str):
        return _by_sqlstate(sqlstate)
    if isinstance(error, TimeoutError):
        return _NO_ANSWER
    if isinstance(error, socket.gaierror):
        return _NO_SUCH_HOST
    if isinstance(error, OSError) and not isinstance(error, ConnectionResetError):
        return _NOBODY_LISTENS
    return _BROKEN_OFF


def _by_sqlstate(sqlstate: str) -> Cause:
    for table, refused in ((_REFUSALS, True), (_OUTAGES, False)):
        for length in (5, 3, 2):
            if found := table.get(sqlstate[:length]):
                return Cause(f"{found[0]} ({sqlstate})", found[1], refused)
    return Cause(f"PostgreSQL did not accept the connection ({sqlstate})", "check the server's log", False)


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
