"""The log-in: throttled, and as slow and as silent for an unknown e-mail as for a wrong password."""

from __future__ import annotations

from app.accounts import audit, queries, sessions
from app.accounts.core import Accounts, Caller, fold
from app.accounts.sessions import Issued, invalid_grant
from app.core.database import Database
from app.core.exceptions import Problem
from app.db.driver import Connection, Row

REFUSED = "The e-mail or the password is wrong, or the account is not active."


async def log_in(
    accounts: Accounts, database: Database, email: str, password: str, scope: str, caller: Caller
) -> Issued:
    """Return new tokens. Raises Problem 400 `invalid_grant`, 429 `too_many_attempts`, 503 `passwords_busy`."""
    account = fold(email)
    accounts.passwords.require_room()

    async def find(connection: Connection) -> Row | None:
        await accounts.logins.count(connection, account, caller.address)
        return await connection.one_or_none(queries.USER_BY_EMAIL, {"email": account})

    try:
        user = await database.write(find)
    except Problem as problem:
        audit.record("login_throttled", address=caller.address)
        raise problem from None
    stored: str | None = user["password_hash"] if user is not None else None
    is_right = await accounts.passwords.verify(password, stored)
    if user is None or stored is None or not is_right or not (user["is_active"] and user["is_verified"]):
        audit.record("login_failed", user=user["id"] if user else None, address=caller.address)
        raise invalid_grant(REFUSED)
    new_hash = await accounts.passwords.hash(password) if accounts.passwords.needs_rehash(stored) else None

    async def begin(connection: Connection) -> Issued | None:
        # The user may have been deactivated, or have changed the password, while it was being verified.
        current = await connection.one_or_none(queries.LOCK_USER, {"id": user["id"]})
        if current is None or not current["is_active"] or current["password_hash"] != stored:
            return None
        if new_hash is not None:
            await connection.run(queries.REHASH, {"id": user["id"], "new": new_hash, "old": stored})
        await accounts.logins.give_back(connection, account, caller.address)
        begun = await sessions.start(accounts, connection, current, caller, scope)
        for statement in queries.PURGE:
            await connection.run(statement, {})
        return begun

    begun = await database.write(begin)
    if begun is None:
        raise invalid_grant(REFUSED)
    audit.record("login", user=user["id"], address=caller.address)
    return begun
