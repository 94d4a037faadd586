"""Registration, verification of e-mails, and resets of passwords.

What a client gets does not depend on whether the e-mail is known: the look-up happens after the answer.
"""

from __future__ import annotations

from app.accounts import audit, messages, queries, users
from app.accounts.core import Accounts, Caller, fold
from app.accounts.own import password_wrong
from app.core.database import Database
from app.core.exceptions import Forbidden, Problem
from app.db.driver import Connection, Row


def token_used() -> Problem:
    return Problem("The token is invalid, expired or already used. Ask for a new one.", status=400, code="token_used")


async def register(
    accounts: Accounts, database: Database, email: str, password: str, name: str | None, caller: Caller
) -> None:
    """Make a user after the answer. Raises Problem 403 `registration_closed`, 422 `password_weak`, 429, 503."""
    if accounts.settings.registration != "open":
        raise Forbidden("Registration is not open here; ask an administrator.", code="registration_closed")
    accounts.background.require_room()
    await database.write(lambda connection: accounts.mails.count(connection, fold(email), caller.address))
    await accounts.passwords.require_strong(password, [email, name or ""])
    password_hash = await accounts.passwords.hash(password)

    async def create(connection: Connection) -> tuple[Row, str] | None:
        roles = [accounts.settings.default_role]
        user = await users.create(connection, email, roles=roles, name=name, password_hash=password_hash)
        if user is None:
            return None
        seconds = accounts.settings.verify_seconds
        return user, await users.mailed_token(connection, user["id"], "verify", seconds)

    async def later() -> None:
        made = await database.write(create)
        if made is None:
            await messages.already_registered(accounts, email)
            return
        user, token = made
        audit.record("user_registered", user=user["id"], address=caller.address)
        await messages.verify(accounts, email, token)

    accounts.background.start(later)


async def verify(accounts: Accounts, database: Database, token: str, password: str, caller: Caller) -> None:
    """Mark the user's e-mail as verified. Raises Problem 400 `token_used` or `password_wrong`, 429, 503.

    The password shows that who reads the e-mail is who registered: a stranger may have used it, and chosen a password.
    """
    owner = await database.read(lambda connection: users.owner_of_mailed(connection, token, ["verify"]))
    if owner is None:
        raise token_used()
    account = owner["email_folded"]
    accounts.passwords.require_room()
    await database.write(lambda connection: accounts.logins.count(connection, account, caller.address))
    if not await accounts.passwords.verify(password, owner["password_hash"]):
        audit.record("login_failed", user=owner["id"], address=caller.address)
        raise password_wrong("The password is not the one of the registration. If you did not register, do nothing.")

    async def unit(connection: Connection) -> None:
        user_id = await users.take_mailed(connection, token, ["verify"])
        if user_id is None or await connection.one_or_none(queries.SET_VERIFIED, {"id": user_id}) is None:
            raise token_used()
        await accounts.logins.give_back(connection, account, caller.address)

    await database.write(unit)


async def forgot(accounts: Accounts, database: Database, email: str, caller: Caller) -> None:
    """Send a token after the answer, if there is such a user. Raises Problem 429, 503."""
    accounts.background.require_room()
    await database.write(lambda connection: accounts.mails.count(connection, fold(email), caller.address))

    async def token_for(connection: Connection) -> tuple[Row, str] | None:
        user = await users.by_email(connection, email)
        if user is None or not user["is_active"]:
            return None
        return user, await users.mailed_token(connection, user["id"], "reset", accounts.settings.reset_seconds)

    async def later() -> None:
        found = await database.write(token_for)
        if found is not None:
            user, token = found
            await messages.reset(accounts, user["email"], token)

    accounts.background.start(later)


async def reset(accounts: Accounts, database: Database, token: str, password: str, caller: Caller) -> None:
    """Set the password and end every session. Raises Problem 400 `token_used`, 422 `password_weak`, 503."""
    owner = await database.read(lambda connection: users.owner_of_mailed(connection, token, ["reset", "invite"]))
    if owner is None:
        raise token_used()
    await accounts.passwords.require_strong(password, [owner["email"], owner["name"] or ""])
    password_hash = await accounts.passwords.hash(password)

    async def unit(connection: Connection) -> Row:
        user_id = await users.take_mailed(connection, token, ["reset", "invite"])
        user = await users.set_password(connection, user_id, password_hash) if user_id else None
        if user is None:
            raise token_used()
        await accounts.logins.unlock(connection, user["email_folded"], caller.address)
        return user

    user = await database.write(unit)
    audit.record("password_reset", user=user["id"], address=caller.address)
    accounts.background.start(lambda: messages.password_changed(accounts, user["email"]))
