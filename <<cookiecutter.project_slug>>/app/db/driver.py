"""SQLAlchemy statements, compiled once and run on asyncpg itself.

For an ORM query, building, caching and loading cost several times the query itself. The statements here are known at
import: SQLAlchemy's, compiled once to SQL and an order of parameters, so that a request pays for asyncpg alone. The
connection comes from SQLAlchemy's pool. No other module depends on these details.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, Protocol, cast

from sqlalchemy import ClauseElement
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.compiler import SQLCompiler

from app.db.json import from_json, to_json_text
from app.db.moments import send_exactly

Row = Mapping[str, Any]
Values = Mapping[str, object]


DialectError = asyncpg_dialect.AsyncAdapt_asyncpg_dbapi.Error
DIALECT: Dialect = asyncpg_dialect.dialect(json_serializer=to_json_text, json_deserializer=from_json)
send_exactly(DIALECT)


class Statement:
    """One statement with its parameters' order; created at import, shared by all requests.

    Results arrive as asyncpg decodes them, which equals SQLAlchemy's results for every type of the resource line (its
    asyncpg dialect registers the JSON codecs on each connection of the pool).
    """

    __slots__ = ("_constants", "_encoders", "_names", "sql")

    def __init__(self, statement: ClauseElement) -> None:
        compiled = cast(SQLCompiler, statement.compile(dialect=DIALECT))
        self.sql = str(compiled)
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        self._constants = {name: value for name, value in (compiled.params or {}).items() if value is not None}
        self._encoders: dict[str, Callable[[Any], Any]] = {}
        for name in self._names:
            encode = compiled.binds[name].type.dialect_impl(DIALECT).bind_processor(DIALECT)
            if encode is not None:
                self._encoders[name] = encode

    def completed(self, **values: object) -> Statement:
        """Return the same statement with values for some of its parameters."""
        made = copy(self)
        made._constants = {**self._constants, **values}
        return made

    def arguments(self, values: Values) -> list[object]:
        """Return the parameters in the driver's order. Raises KeyError for one that is neither given nor constant."""
        if self._constants:
            values = {**self._constants, **values}
        if not self._encoders:
            return [values[name] for name in self._names]
        return [self._encode(name, values[name]) for name in self._names]

    def _encode(self, name: str, value: object) -> object:
        encode = self._encoders.get(name)
        return value if encode is None or value is None else encode(value)


class DriverTransaction(Protocol):
    async def __aenter__(self) -> None: ...
    async def __aexit__(self, *exc: object) -> None: ...


class Driver(Protocol):
    """The part of `asyncpg.Connection` that is used here (asyncpg carries no types)."""

    async def fetch(self, sql: str, *arguments: object) -> list[Row]: ...
    async def fetchrow(self, sql: str, *arguments: object) -> Row | None: ...
    async def fetchval(self, sql: str, *arguments: object) -> Any: ...
    async def execute(self, sql: str, *arguments: object) -> str: ...
    def transaction(self) -> DriverTransaction: ...
    def is_closed(self) -> bool: ...
    def is_in_transaction(self) -> bool: ...
    def terminate(self) -> None: ...


class Transaction:
    """asyncpg's transaction, or a savepoint inside one. A connection whose BEGIN failed is closed.

    asyncpg counts a transaction as begun even when BEGIN was cancelled: every later user of that connection would get
    the error that a savepoint needs a transaction.
    """

    __slots__ = ("_driver", "_inner", "_is_outermost")

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._is_outermost = not driver.is_in_transaction()
        self._inner = driver.transaction()

    async def __aenter__(self) -> None:
        try:
            await self._inner.__aenter__()
        except BaseException:
            if self._is_outermost:
                self._driver.terminate()
            raise

    async def __aexit__(self, *exc: object) -> None:
        await self._inner.__aexit__(*exc)


class Connection:
    """Runs compiled statements on one driver connection. Raises asyncpg's own exceptions (api/errors.py maps them)."""

    __slots__ = ("driver",)

    def __init__(self, driver: object) -> None:
        self.driver = cast(Driver, driver)

    async def all(self, statement: Statement, values: Values) -> list[Row]:
        return await self.driver.fetch(statement.sql, *statement.arguments(values))

    async def one_or_none(self, statement: Statement, values: Values) -> Row | None:
        return await self.driver.fetchrow(statement.sql, *statement.arguments(values))

    async def scalar(self, statement: Statement, values: Values) -> Any:
        return await self.driver.fetchval(statement.sql, *statement.arguments(values))

    async def run(self, statement: Statement, values: Values) -> int:
        """Return the number of affected rows."""
        tag = await self.driver.execute(statement.sql, *statement.arguments(values))
        return int(tag.rpartition(" ")[2] or 0)

    def transaction(self) -> Transaction:
        """Return a transaction, or a savepoint inside one."""
        return Transaction(self.driver)


async def connection_of(session: AsyncSession) -> Connection:
    """Return the session's connection, in its transaction: for compiled statements among those of an ORM."""
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    found = Connection(raw.driver_connection)
    if not found.driver.is_in_transaction():
        # SQLAlchemy begins the driver's transaction with its first statement.
        await connection.exec_driver_sql("SELECT 1")
    return found
