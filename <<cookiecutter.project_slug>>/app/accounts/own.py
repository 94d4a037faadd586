"""Changes that users make to their own account: password and sessions."""

from __future__ import annotations

import uuid

from app.accounts import audit, messages, queries, users
from app.accounts.core import Accounts, Caller
from app.core.database import Database
from app.core.exceptions import NotFound, Problem
from app.db.driver import Connection, Row


def password_wrong(detail: str) -> Problem:
    return Problem(detail, status=400, code="password_wrong")


async def change_password(
    accounts: Accounts,
    database: Database,
    user: Row,
    current: str,
    password: str,
    *,
    session_id: uuid.UUID | None,
    caller: Caller,
) -> None:
    """Set the password and end the other sessions. Raises Problem 400 `password_wrong`, 422 `password_weak`, 429."""
    account = user["email_folded"]
    accounts.passwords.require_room()
    await database.write(lambda connection: accounts.logins.count(connection, account, caller.address))
    if not await accounts.passwords.verify(current, user["password_hash"]):
        audit.record("login_failed", user=user["id"], address=caller.address)
        raise password_wrong("The current password is wrong.")
    await accounts.passwords.require_strong(password, [user["email"], user["name"] or ""])
    password_hash = await accounts.passwords.hash(password)

    async def unit(connection: Connection) -> None:
        old: str = user["password_hash"]
        if await users.set_password(connection, user["id"], password_hash, old=old, kept=session_id) is None:
            raise password_wrong("The password was changed meanwhile.")
        await accounts.logins.give_back(connection, account, caller.address)

    await database.write(unit)
    audit.record("password_changed", user=user["id"], address=caller.address)
    accounts.background.start(lambda: messages.password_changed(accounts, user["email"]))


async def end_session(database: Database, user_id: uuid.UUID, session_id: uuid.UUID) -> None:
    """Raises NotFound for a session that is not this user's, or has ended."""
    values = {"id": session_id, "user_id": user_id}
    if not await database.write(lambda connection: connection.run(queries.REVOKE_SESSION, values)):
        raise NotFound(f"No session with id {session_id}.")
    audit.record("session_revoked", user=user_id, session=str(session_id))


async def open_sessions(database: Database, user_id: uuid.UUID) -> list[Row]:
    return await database.read(lambda connection: connection.all(queries.OPEN_SESSIONS, {"user_id": user_id}))
