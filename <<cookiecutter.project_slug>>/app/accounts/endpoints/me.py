"""HTTP operations of a user on the own account: any valid token of that user will do."""

from __future__ import annotations

import uuid

from fastapi import Response

from app.accounts import audit, own, queries
from app.accounts.administration import HIDDEN
from app.accounts.core import NO_STORE, AccountsDep, CallerDep
from app.accounts.current import CurrentSession, CurrentUser
from app.accounts.schemas import ChangePassword, MeUpdate, Sessions, UserRead
from app.api.answers import problems
from app.api.dependencies import DatabaseDep
from app.api.responses import json_response
from app.api.routing import Router
from app.core.exceptions import NotFound
from app.db.driver import Row

router = Router(prefix="/users/me", tags=["Own account"])


def _shown(user: Row) -> Response:
    return json_response({name: value for name, value in user.items() if name not in HIDDEN}, headers=NO_STORE)


@router.get("", operation_id="me_get", response_model=UserRead)
async def get_me(user: CurrentUser) -> Response:
    """The caller's own account."""
    return _shown(user)


@router.patch("", operation_id="me_change", response_model=UserRead)
async def change_me(data: MeUpdate, user: CurrentUser, database: DatabaseDep) -> Response:
    """Change the name. The e-mail and the roles are changed by an administrator."""
    if "name" not in data.model_fields_set:
        return _shown(user)
    values = {"id": user["id"], "name": data.name}
    changed = await database.write(lambda connection: connection.one_or_none(queries.SET_NAME, values))
    if changed is None:
        raise NotFound("The user was deleted.")
    audit.record("user_changed", user=user["id"], members=["name"])
    return _shown(changed)


@router.post("/password", operation_id="me_password", status_code=204, responses=problems(400, 429))
async def change_password(
    data: ChangePassword,
    user: CurrentUser,
    session_id: CurrentSession,
    accounts: AccountsDep,
    database: DatabaseDep,
    caller: CallerDep,
) -> Response:
    """Change the password. The other sessions end."""
    await own.change_password(
        accounts, database, user, data.current_password, data.password, session_id=session_id, caller=caller
    )
    return Response(status_code=204)


@router.get("/sessions", operation_id="me_sessions", response_model=Sessions)
async def list_sessions(user: CurrentUser, session_id: CurrentSession, database: DatabaseDep) -> Response:
    """The open sessions, latest use first."""
    rows = await own.open_sessions(database, user["id"])
    return json_response({"items": [{**row, "is_current": row["id"] == session_id} for row in rows]}, headers=NO_STORE)


@router.delete("/sessions/{id}", operation_id="me_end_session", status_code=204)
async def end_session(id: uuid.UUID, user: CurrentUser, database: DatabaseDep) -> Response:
    """End a session: its refresh token is refused from now on, its access token when it expires."""
    await own.end_session(database, user["id"], id)
    return Response(status_code=204)
