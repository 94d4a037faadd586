"""The user of a request's token."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from app.accounts import queries
from app.api.dependencies import database_of
from app.auth.jwt import Identity, Verifier, invalid
from app.auth.roles import scopes_of
from app.core.database import Database
from app.core.security import subject_of
from app.db.driver import Connection, Row


def _uuid(text: object) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None


def _session_in(header: str) -> uuid.UUID | None:
    """Return the session of a token that was verified already."""
    import jwt

    claims = jwt.decode(header.split()[-1], options={"verify_signature": False})
    return _uuid(claims.get("sid"))


async def current_user(request: Request) -> Row:
    """Return the caller's row. Raises Unauthorized for a user who was deleted or deactivated since."""
    user_id = _uuid(await subject_of(request))
    user = await database_of(request).read(lambda connection: _find(connection, user_id))
    if user is None or not user["is_active"]:
        raise invalid("its user is not active")
    return user


async def current_session(request: Request) -> uuid.UUID | None:
    """Return the session of the request's token; None for a token of development."""
    await subject_of(request)
    return _session_in(request.headers["authorization"])


CurrentUser = Annotated[Row, Depends(current_user)]
CurrentSession = Annotated[uuid.UUID | None, Depends(current_session)]


async def _find(connection: Connection, user_id: uuid.UUID | None) -> Row | None:
    return await connection.one_or_none(queries.USER_BY_ID, {"id": user_id}) if user_id else None


class DatabaseVerifier:
    """A verifier that also asks the database, with each request: ACCOUNTS_CHECK_DATABASE.

    A token ends with its session, its user and the roles that granted its scopes.
    """

    def __init__(self, verifier: Verifier, app: FastAPI) -> None:
        self._verifier = verifier
        self._app = app

    def remembered(self, header: bytes) -> Identity | None:
        return None

    async def verify(self, header: bytes) -> Identity:
        identity = self._verifier.remembered(header) or await self._verifier.verify(header)
        user_id, session_id = _uuid(identity.subject), _session_in(header.decode("ascii"))
        database: Database = self._app.state.database

        async def unit(connection: Connection) -> Row | None:
            user = await _find(connection, user_id)
            values = {"id": session_id, "user_id": user_id}
            if user is None or session_id is None or await connection.scalar(queries.IS_OPEN, values) is None:
                return None
            return user

        user = await database.read(unit)
        if user is None or not user["is_active"]:
            raise invalid("its session has ended")
        held = scopes_of(user["roles"], self._app.state.accounts.scopes)
        return Identity(identity.subject, identity.scopes & held, identity.expires)
