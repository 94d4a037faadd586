"""Sessions: access tokens (RFC 9068), and refresh tokens that are replaced at each use (RFC 9700, 4.14.2).

A refresh token that is used again revokes its session, because one of the two users stole it. A client that lost the
answer may repeat the request within some seconds: it gets the same successor, which nobody has used yet.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from uuid_utils.compat import uuid7

from app.accounts import audit, queries
from app.accounts.core import NO_STORE, Accounts, Caller
from app.auth.roles import scopes_of
from app.core.database import Database
from app.core.exceptions import Problem
from app.db.driver import Connection, Row


@dataclass(frozen=True)
class Issued:
    access_token: str
    refresh_token: str
    expires_in: int
    scope: str


def invalid_grant(detail: str) -> Problem:
    """RFC 6749, 5.2: `error` is the code."""
    return Problem(detail, status=400, code="invalid_grant", headers=NO_STORE)


def new_token() -> str:
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def successor_of(token: str, secret: bytes) -> str:
    """Return the token after `token`: the same one for a repeated request."""
    digest = hmac.digest(secret, token.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def access_token(accounts: Accounts, user: Row, session_id: uuid.UUID, scopes: Iterable[str]) -> str:
    settings, now = accounts.settings, int(time.time())
    return accounts.keys.sign(
        {
            "iss": settings.issued_by,
            "aud": list(settings.audiences),
            "client_id": settings.audiences[0],
            "sub": str(user["id"]),
            "sid": str(session_id),
            "jti": secrets.token_urlsafe(12),
            "iat": now,
            "exp": now + settings.access_seconds,
            "scope": " ".join(sorted(scopes)),
        }
    )


def granted(accounts: Accounts, user: Row, requested: str | None) -> frozenset[str]:
    """Return the scopes of the user's roles; with a request, only those in it."""
    held = scopes_of(user["roles"], accounts.scopes)
    return held & frozenset(requested.split()) if requested else held


def issued(accounts: Accounts, user: Row, session_id: uuid.UUID, refresh: str, requested: str | None) -> Issued:
    scopes = granted(accounts, user, requested)
    token = access_token(accounts, user, session_id, scopes)
    return Issued(token, refresh, accounts.settings.access_seconds, " ".join(sorted(scopes)))


async def start(accounts: Accounts, connection: Connection, user: Row, caller: Caller, scope: str) -> Issued:
    """Begin a session. `connection` is in a transaction."""
    session_id, refresh = uuid7(), new_token()
    values = {
        "id": session_id,
        "user_id": user["id"],
        "secret": secrets.token_bytes(32),
        "scope": scope or None,
        "client": caller.agent,
        "address": caller.address,
        "seconds": float(accounts.settings.refresh_seconds),
    }
    await connection.run(queries.INSERT_SESSION, values)
    await connection.run(queries.INSERT_TOKEN, {"hash": hash_of(refresh), "session_id": session_id})
    return issued(accounts, user, session_id, refresh, scope)


async def refresh(accounts: Accounts, database: Database, token: str) -> Issued:
    """Replace a refresh token. Raises Problem 400 `invalid_grant`; a reused token revokes its session."""

    async def unit(connection: Connection) -> Issued | Row | None:
        values = {"hash": hash_of(token), "grace": float(accounts.settings.grace_seconds)}
        session = await connection.one_or_none(queries.SESSION_OF_TOKEN, values)
        if session is None or not session["is_open"]:
            return None
        following = successor_of(token, session["secret"])
        if session["token_used_at"] is None:
            await connection.run(queries.USE_TOKEN, {"hash": hash_of(token)})
            await connection.run(queries.INSERT_TOKEN, {"hash": hash_of(following), "session_id": session["id"]})
            await connection.run(queries.TOUCH_SESSION, {"id": session["id"]})
        elif not (session["is_recent"] and await _is_unused(connection, following)):
            await connection.run(queries.REVOKE_SESSION, {"id": session["id"], "user_id": session["user_id"]})
            return session
        user = await connection.one_or_none(queries.USER_BY_ID, {"id": session["user_id"]})
        if user is None or not user["is_active"]:
            return None
        return issued(accounts, user, session["id"], following, session["scope"])

    found = await database.write(unit)
    if isinstance(found, Issued):
        return found
    if found is not None:
        audit.record("refresh_reused", user=found["user_id"], session=str(found["id"]))
    raise invalid_grant("The refresh token is invalid, expired, revoked or already used. Log in again.")


async def log_out(database: Database, token: str) -> None:
    """Revoke the session of a refresh token; an unknown token is no error (RFC 7009, 2.2)."""

    async def unit(connection: Connection) -> Row | None:
        session = await connection.one_or_none(queries.SESSION_OF_TOKEN, {"hash": hash_of(token), "grace": 0.0})
        if session is not None:
            await connection.run(queries.REVOKE_SESSION, {"id": session["id"], "user_id": session["user_id"]})
        return session

    if (session := await database.write(unit)) is not None:
        audit.record("logout", user=session["user_id"], session=str(session["id"]))


async def _is_unused(connection: Connection, token: str) -> bool:
    return await connection.scalar(queries.IS_UNUSED, {"hash": hash_of(token)}) is not None
