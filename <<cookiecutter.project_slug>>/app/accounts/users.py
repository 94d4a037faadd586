"""Users: how one is made, and changes that end sessions. Each function is a part of the caller's transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from uuid_utils.compat import uuid7

from app.accounts import queries, sessions
from app.accounts.core import fold
from app.auth.roles import ROLES, roles_with
from app.core.exceptions import Conflict, Unprocessable
from app.db.driver import Connection, Row


async def by_email(connection: Connection, email: str) -> Row | None:
    return await connection.one_or_none(queries.USER_BY_EMAIL, {"email": fold(email)})


async def create(
    connection: Connection,
    email: str,
    *,
    roles: Iterable[str],
    name: str | None = None,
    password_hash: str | None = None,
    is_verified: bool = False,
) -> Row | None:
    """Return the new user; None when the e-mail has one."""
    values = {
        "id": uuid7(),
        "email": email,
        "folded": fold(email),
        "name": name,
        "password_hash": password_hash,
        "is_verified": is_verified,
        "roles": list(roles),
    }
    return await connection.one_or_none(queries.INSERT_USER, values)


async def set_password(
    connection: Connection,
    user_id: uuid.UUID,
    password_hash: str,
    *,
    old: str | None = None,
    kept: uuid.UUID | None = None,
) -> Row | None:
    """Set a password, and end every session but `kept`, and every mailed token.

    Returns None without such a user, or when the present hash is not `old`.
    """
    values = {"id": user_id, "password_hash": password_hash, "old": old}
    user = await connection.one_or_none(queries.SET_PASSWORD, values)
    if user is not None:
        await end_sessions(connection, user_id, kept=kept)
        await connection.run(queries.DROP_MAILED, {"user_id": user_id, "purposes": ["reset", "invite"]})
    return user


async def end_sessions(connection: Connection, user_id: uuid.UUID, *, kept: uuid.UUID | None = None) -> int:
    """Return the number of sessions that were ended."""
    return await connection.run(queries.REVOKE_SESSIONS, {"user_id": user_id, "kept": kept})


async def mailed_token(connection: Connection, user_id: uuid.UUID, purpose: str, seconds: int) -> str:
    """Return a new single-use token; earlier ones for the same purpose end."""
    token = sessions.new_token()
    await connection.run(queries.DROP_MAILED, {"user_id": user_id, "purposes": [purpose]})
    values = {"hash": sessions.hash_of(token), "user_id": user_id, "purpose": purpose, "seconds": float(seconds)}
    await connection.run(queries.INSERT_MAILED, values)
    return token


async def take_mailed(connection: Connection, token: str, purposes: Iterable[str]) -> uuid.UUID | None:
    """Return the user of a token that was not used yet, and use it up."""
    values = {"hash": sessions.hash_of(token), "purposes": list(purposes)}
    found: uuid.UUID | None = await connection.scalar(queries.TAKE_MAILED, values)
    return found


def require_roles(roles: Iterable[str]) -> None:
    """Raise Unprocessable for a role that app/auth/roles.py does not have."""
    unknown = [role for role in roles if role not in ROLES]
    if unknown:
        text = f"Unknown role {unknown[0]}; roles: {', '.join(ROLES)}."
        error = {"detail": text, "code": "unknown_role", "pointer": "#/roles"}
        raise Unprocessable(text, code="unknown_role", errors=[error])


async def keep_an_administrator(connection: Connection, user_id: uuid.UUID) -> None:
    """Raise Conflict for the only user who can administer users: without one, only a command could."""
    await connection.run(queries.LOCK_ADMINISTRATION, {})
    values = {"id": user_id, "roles": roles_with("users:write")}
    if await connection.scalar(queries.IS_LAST_OF_ROLES, values) is not None:
        text = "This is the last administrator who can log in. Give the role to another user first."
        raise Conflict(text, code="last_administrator")


async def owner_of_mailed(connection: Connection, token: str, purposes: Iterable[str]) -> Row | None:
    """Return the user of a token without using it up."""
    values = {"hash": sessions.hash_of(token), "purposes": list(purposes)}
    return await connection.one_or_none(queries.OWNER_OF_MAILED, values)
