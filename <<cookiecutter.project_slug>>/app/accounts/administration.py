"""Administration of users: a resource like the others, whose rows are marked as deleted in place of removed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, bindparam, select

from app.accounts import audit, messages, queries, users
from app.accounts.core import Accounts, fold
from app.auth.roles import roles_with
from app.core.database import Database
from app.core.exceptions import Conflict
from app.crud.base import Crud, table_of
from app.db.driver import Connection, Row, Statement
from app.models.user import User
from app.services.base import ResourceService
from app.services.idempotency import IdempotentRequest

HIDDEN = frozenset({"password_hash", "email_folded", "deleted_at"})
ADMINISTRATORS = frozenset(roles_with("users:write"))
# The name of a filter that no client can send; see UserCrud.page.
_KEPT = "_kept"


class UserCrud(Crud):
    """Queries that see the users who are not deleted, without what is secret."""

    def __init__(self) -> None:
        super().__init__(table_of(User))
        self._shown = [column for column in self._shown if column.name not in HIDDEN]
        self._by_id = (self.columns.id == bindparam("id_")) & self.columns.deleted_at.is_(None)
        self._get = Statement(select(*self._shown).where(self._by_id))
        self._exists = Statement(select(self.columns.id).where(self._by_id))

    async def delete(self, connection: Connection, id: uuid.UUID, versions: Sequence[int] | None) -> bool:
        """Mark the user as deleted and end the sessions. The e-mail is free again."""
        await users.keep_an_administrator(connection, id)
        values = {"id": id, "versions": None if versions is None else list(versions)}
        if await connection.one_or_none(queries.DELETE_USER, values) is None:
            return False
        await users.end_sessions(connection, id)
        purposes = ["verify", "reset", "invite"]
        await connection.run(queries.DROP_MAILED, {"user_id": id, "purposes": purposes})
        return True

    async def page(
        self,
        connection: Connection,
        *,
        sort: str,
        filters: Mapping[str, object],
        after: Sequence[object] | None,
        limit: int,
    ) -> list[Row]:
        kept = {**filters, _KEPT: True}
        return await super().page(connection, sort=sort, filters=kept, after=after, limit=limit)

    def _condition(self, name: str) -> ColumnElement[bool]:
        return self.columns.deleted_at.is_(None) if name == _KEPT else super()._condition(name)


user_crud = UserCrud()


class UserService(ResourceService):
    crud = user_crud
    title = "user"

    def __init__(self, database: Database, accounts: Accounts) -> None:
        super().__init__(database)
        self._accounts = accounts
        # False for a request that an Idempotency-Key repeats: one message is enough.
        self._is_new = False
        # True for a change to an e-mail that the user did not have.
        self._is_moved = False

    async def create(self, data: BaseModel, idempotency: IdempotentRequest | None = None) -> Row:
        """Create a user, who gets a message with a token to choose a password. Raises Conflict when `closed`."""
        if self._accounts.settings.registration == "closed":
            raise Conflict("Registration is closed; use the task `user.create`.", code="registration_closed")
        row = await super().create(data, idempotency)
        if not self._is_new:
            return row
        audit.record("user_created", user=row["id"], roles=list(row["roles"]))
        self._accounts.background.start(lambda: self._invite(row["id"], row["email"]))
        return row

    async def change(self, id: uuid.UUID, data: BaseModel, versions: Sequence[int] | None) -> Row:
        """Change a user. One who is deactivated has no session any more; a new e-mail is to be confirmed.

        Raises as `ResourceService.change` does, and Conflict for the last administrator.
        """
        row = await super().change(id, data, versions)
        if "roles" in data.model_fields_set:
            audit.record("roles_changed", user=id, roles=list(row["roles"]))
        if data.model_fields_set - {"roles"}:
            audit.record("user_changed", user=id, members=sorted(data.model_fields_set))
        if self._is_moved:
            self._accounts.background.start(lambda: self._confirm(id))
        return row

    async def delete(self, id: uuid.UUID, versions: Sequence[int] | None) -> None:
        await super().delete(id, versions)
        audit.record("user_deleted", user=id)

    async def create_values(self, connection: Connection, data: BaseModel) -> dict[str, Any]:
        self._is_new = True
        values = await super().create_values(connection, data)
        users.require_roles(values["roles"])
        return {**values, "email_folded": fold(values["email"])}

    async def change_values(self, connection: Connection, id: uuid.UUID, values: dict[str, Any]) -> dict[str, Any]:
        users.require_roles(values.get("roles", ()))
        if not values.get("is_active", True) or not set(values.get("roles", ADMINISTRATORS)) & ADMINISTRATORS:
            await users.keep_an_administrator(connection, id)
        if "email" not in values:
            return values
        folded = fold(values["email"])
        await connection.run(queries.DROP_MAILED_TO_OTHERS, {"user_id": id, "folded": folded})
        user = await connection.one_or_none(queries.USER_BY_ID, {"id": id})
        self._is_moved = user is not None and user["email_folded"] != folded
        # Nobody has shown yet that the new e-mail is this user's.
        return {**values, "email_folded": folded, **({"is_verified": False} if self._is_moved else {})}

    async def check(self, connection: Connection, row: Row) -> None:
        """End the sessions of a user who is deactivated. The row is locked now, so that no log-in begins another."""
        if not row["is_active"]:
            await users.end_sessions(connection, row["id"])

    async def _confirm(self, user_id: uuid.UUID) -> None:
        """Send a token to the new e-mail of a user, who confirms it with the password, or chooses the first one."""
        user = await self.database.read(lambda connection: connection.one_or_none(queries.USER_BY_ID, {"id": user_id}))
        if user is None:
            return
        if user["password_hash"] is None:
            await self._invite(user_id, user["email"])
            return
        seconds = self._accounts.settings.verify_seconds
        token = await self.database.write(lambda connection: users.mailed_token(connection, user_id, "verify", seconds))
        await messages.confirm(self._accounts, user["email"], token)

    async def _invite(self, user_id: uuid.UUID, email: str) -> None:
        seconds = self._accounts.settings.verify_seconds
        token = await self.database.write(lambda connection: users.mailed_token(connection, user_id, "invite", seconds))
        await messages.invite(self._accounts, email, token)
