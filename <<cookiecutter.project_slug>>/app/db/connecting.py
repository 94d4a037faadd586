"""Connecting to PostgreSQL: one exception and one table of causes for every module that connects."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Coroutine, Generator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import asyncpg
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.settings.database_url import TLS_PARAMETERS


@dataclass(frozen=True)
class Cause:
    """Cause of a failed connection. `reason` holds no address and no secret, so that `/ready` can show it.

    `refused`: waiting does not help, because the server (or this process) rejects the settings.
    """

    reason: str
    advice: str
    refused: bool


class NotConnected(Exception):
    """The connection to PostgreSQL failed. `sqlstate` is the server's, empty when it sent none."""

    def __init__(self, error: BaseException) -> None:
        self.sqlstate: str = getattr(error, "sqlstate", None) or ""
        self.cause = cause_of(error)
        words = str(error).partition("\n")[0] or type(error).__name__
        super().__init__(f"{self.cause.reason}; {self.cause.advice} ({words})")


class Connecting:
    """Call asyncpg.connect, but only when awaited. Raises NotConnected.

    A coroutine that SQLAlchemy creates and then cannot await (outside a greenlet) causes a RuntimeWarning.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        # libpq's TLS files: asyncpg accepts them only in a URL. Other parameters override those of the URL.
        tls = {name: str(options.pop(name)) for name in sorted(options.keys() & TLS_PARAMETERS)}
        if tls:
            options["dsn"] = f"postgresql://?{urlencode(tls)}"
        self._arguments, self._options = arguments, options

    def __await__(self) -> Generator[Any, None, Any]:
        connect: Coroutine[Any, Any, Any] = asyncpg.connect(*self._arguments, **self._options)
        try:
            return (yield from connect.__await__())
        except FAILURES as error:
            raise NotConnected(error) from error


# Exceptions of asyncpg.connect: the server's, its own, and the network's (TimeoutError is an OSError).
FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)

# By SQLSTATE, or its first two characters.
_REFUSALS = {
    "28P01": ("PostgreSQL rejected the password", "correct it in DATABASE_URL or POSTGRES_PASSWORD"),
    "28": (
        "PostgreSQL does not admit this user",
        "correct the user or sslmode in DATABASE_URL, the role or pg_hba.conf",
    ),
    "3D": ("the database does not exist", "create it, or correct DATABASE_URL or POSTGRES_DB"),
    "42501": ("the user may not connect to this database", "GRANT CONNECT ON DATABASE to the user"),
    "55000": ("the database does not allow connections", "ALTER DATABASE ... ALLOW_CONNECTIONS true"),
}
_SHARED = ("a connection pooler shares prepared statements between clients", "set DATABASE_POOLER=true")
# A prepared statement already exists, or no longer does: the effect of a pooler in transaction mode.
SHARED_STATEMENTS = frozenset({"42P05", "26000"})
_REFUSALS |= dict.fromkeys(SHARED_STATEMENTS, _SHARED)
_OUTAGES = {
    "53300": ("PostgreSQL has no free connection", "lower POOL_SIZE, or raise max_connections"),
    "08": ("the server ended the connection at once", "check its log; with TLS it may have rejected sslcert"),
    "57P": ("PostgreSQL is starting up or shutting down", "retry in a moment"),
}
_NO_ANSWER = Cause("PostgreSQL did not answer in time", "check the network, or raise CONNECT_TIMEOUT_SECONDS", False)
_STARTUP_PARAMETER = Cause("a connection pooler rejects start-up parameters", "set DATABASE_POOLER=true", True)
_NOT_PERMITTED = Cause(
    "permission denied on the socket or on a TLS file", "correct its owner and mode; ~/.postgresql is read too", True
)
_NO_SUCH_HOST = Cause("the database's host name cannot be resolved", "correct the host, or check the DNS", False)
_NOBODY_LISTENS = Cause("no server accepts connections at the database's address", "start it, or correct it", False)
_ALL_IN_USE = Cause("all connections of this instance are in use", "raise POOL_SIZE", False)
_BROKEN_OFF = Cause("the connection was closed before it was established", "check the server's log", False)


def failure_of(error: BaseException) -> Cause:
    """Return the cause of a failed query that needs only a connection; `error` may be a wrapper."""
    seen: BaseException | None = error
    for _ in range(4):
        if isinstance(seen, NotConnected):
            return seen.cause
        if isinstance(seen, PoolTimeout):
            return _ALL_IN_USE
        if isinstance(seen, FAILURES):
            return cause_of(seen)
        seen = seen.__cause__ if seen is not None else None
    return Cause("an error inside the service", "see the log", False)


def cause_of(error: BaseException) -> Cause:
    """Return the reason why asyncpg.connect raised `error`, one of FAILURES."""
    sqlstate, words = getattr(error, "sqlstate", None), str(error)
    if isinstance(sqlstate, str):
        return _STARTUP_PARAMETER if "startup parameter" in words else _by_sqlstate(sqlstate)
    if isinstance(error, TimeoutError):
        return _NO_ANSWER
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = f"the database's certificate was not accepted: {error.verify_message.rstrip('.')}"
        return Cause(reason, "correct sslrootcert or the host name", True)
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "unknown reason").lower().replace("_", " ")
        return Cause(f"TLS failed: {reason}", "correct sslrootcert, sslcert and sslkey", True)
    if isinstance(error, asyncpg.ClientConfigurationError):
        return Cause(words.partition("\n")[0], "correct the database's address and its parameters", True)
    if "rejected SSL upgrade" in words:
        return Cause("the database does not offer TLS, which sslmode requires", "turn on its TLS", True)
    if isinstance(error, socket.gaierror):
        return _NO_SUCH_HOST
    if isinstance(error, PermissionError):
        return _NOT_PERMITTED
    if isinstance(error, OSError) and not isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return _NOBODY_LISTENS
    return _BROKEN_OFF


def _by_sqlstate(sqlstate: str) -> Cause:
    for table, refused in ((_REFUSALS, True), (_OUTAGES, False)):
        for length in (5, 3, 2):
            if found := table.get(sqlstate[:length]):
                return Cause(f"{found[0]} ({sqlstate})", found[1], refused)
    return Cause(f"PostgreSQL did not accept the connection ({sqlstate})", "check the server's log", False)
