"""Base of all services: transactions, and the errors for missing, changed or conflicting resources."""

from __future__ import annotations

import builtins
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from app.core.database import Database
from app.core.exceptions import NotFound, PreconditionFailed
from app.crud.base import Crud
from app.db.driver import Connection, Row
from app.services.idempotency import IdempotentRequest, once


class ResourceService:
    """The rules of one resource. A method is a unit of work: it commits before it returns, or changes nothing.

    Rules of a resource go into its subclass: override `check` to refuse a row (raise a `Problem`), `create_values` or
    `change_values` to complete a client's values, or add a method around `self.database.write`.
    """

    crud: Crud
    title: str  # the resource's name in messages
    # False saves BEGIN and COMMIT, a fifth of the time of a POST, where each write is one statement: PostgreSQL makes
    # that atomic. A request with an Idempotency-Key has a transaction in any case.
    transaction: bool = True
    # Members of the schemas that a rule consumes; the service does not start if any other member has no column.
    members_without_column: frozenset[str] = frozenset()
    # Queries whose writes change the database with one statement.
    single_writes: type[Crud] = Crud

    def __init_subclass__(cls) -> None:
        """Raise TypeError for a class without transactions whose rules or queries may add a second statement."""
        super().__init_subclass__()
        if not cls.transaction and (name := _second_statement(cls)):
            raise TypeError(
                f"{cls.__name__} sets transaction = False, but {name} may run a second statement; "
                "delete that line, so that a write is undone as a whole"
            )

    def __init__(self, database: Database) -> None:
        self.database = database

    @property
    def readable(self) -> Crud:
        """Queries on the rows that this caller may read."""
        return self.crud

    async def get(self, id: uuid.UUID) -> Row:
        """Return the row. Raises NotFound."""
        row = await self.database.read(lambda connection: self.readable.get(connection, id))
        if row is None:
            raise self._not_found(id)
        return row

    async def list(
        self, *, sort: str, filters: Mapping[str, object], after: Sequence[object] | None, limit: int
    ) -> builtins.list[Row]:
        return await self.database.read(
            lambda connection: self.readable.page(connection, sort=sort, filters=filters, after=after, limit=limit)
        )

    async def place(self, sort: str, id: uuid.UUID) -> builtins.list[object] | None:
        """See `Crud.place`."""
        return await self.database.read(lambda connection: self.readable.place(connection, sort, id))

    async def create(self, data: BaseModel, idempotency: IdempotentRequest | None = None) -> Row:
        """Create a row. Raises Conflict or Unprocessable for a mismatched Idempotency-Key."""

        async def unit(connection: Connection) -> Row:
            values = await self.create_values(connection, data)
            row = await self.crud.create(connection, {"id": uuid7(), **values})
            await self.check(connection, row)
            return row

        async def unit_once(connection: Connection) -> Row:
            assert idempotency is not None  # noqa: S101 - for the type checker
            return await once(connection, idempotency, self.crud.table.name, data, lambda: unit(connection))

        if idempotency is not None:
            return await self.database.write(unit_once)
        return await self.database.write(unit, single=not self.transaction)

    async def replace(self, id: uuid.UUID, data: BaseModel, versions: Sequence[int] | None) -> Row:
        """Replace the row. Raises NotFound, or PreconditionFailed when it is at none of `versions` (None: any)."""
        return await self._update(id, data.model_dump(by_alias=True), versions)

    async def change(self, id: uuid.UUID, data: BaseModel, versions: Sequence[int] | None) -> Row:
        """Change only the members that were sent, each as a whole. Raises as `replace` does."""
        return await self._update(id, data.model_dump(by_alias=True, exclude_unset=True), versions)

    async def delete(self, id: uuid.UUID, versions: Sequence[int] | None) -> None:
        """Delete the row. Raises as `replace` does."""

        async def unit(connection: Connection) -> None:
            if not await self.crud.delete(connection, id, versions):
                raise await self._missing_or_stale(connection, id)

        await self.database.write(unit, single=not self.transaction)

    async def check(self, connection: Connection, row: Row) -> None:
        """Raise a Problem for a row that must not be: asked by POST, PUT and PATCH alike, before they commit.

        `row` has every column as it was just written; the Problem undoes that. No other write changes it meanwhile.
        """

    async def create_values(self, connection: Connection, data: BaseModel) -> dict[str, Any]:
        """Return the columns of a new row."""
        return data.model_dump(by_alias=True)

    async def change_values(self, connection: Connection, id: uuid.UUID, values: dict[str, Any]) -> dict[str, Any]:
        """Return the columns to set, from those that the client sent."""
        return values

    async def _update(self, id: uuid.UUID, values: dict[str, Any], versions: Sequence[int] | None) -> Row:
        async def unit(connection: Connection) -> Row:
            changes = await self.change_values(connection, id, values)
            if changes:
                row = await self.crud.update(connection, id, changes, versions)
            else:
                row = await self._unchanged(connection, id, versions)
            if row is None:
                raise await self._missing_or_stale(connection, id)
            if changes:
                await self.check(connection, row)
            return row

        return await self.database.write(unit, single=not self.transaction)

    async def _unchanged(self, connection: Connection, id: uuid.UUID, versions: Sequence[int] | None) -> Row | None:
        """Return the row as `Crud.update` would, for an empty change: the version and so the ETag stay."""
        row = await self.crud.get(connection, id)
        return row if row is not None and (versions is None or row["version"] in versions) else None

    async def _missing_or_stale(self, connection: Connection, id: uuid.UUID) -> Exception:
        if await self.crud.exists(connection, id):
            return PreconditionFailed(
                detail=f"The {self.title} has changed since: read it again and send the new ETag in If-Match."
            )
        return self._not_found(id)

    def _not_found(self, id: uuid.UUID) -> NotFound:
        return NotFound(detail=f"No {self.title} with id {id}.")


def _second_statement(kind: type[ResourceService]) -> str:
    """Return an override, in the class or its queries, that may run a second statement; empty without one."""
    for name in ("check", "create_values", "change_values"):
        if getattr(kind, name) is not getattr(ResourceService, name):
            return f"{kind.__name__}.{name}"
    for name in ("create", "update", "delete"):
        if getattr(type(kind.crud), name) is not getattr(kind.single_writes, name):
            return f"{type(kind.crud).__name__}.{name}"
    return ""
