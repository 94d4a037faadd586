"""HTTP operations on tokens: log-in, refresh, log-out. They need no token: they give one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import Form, Response

from app.accounts import login, sessions
from app.accounts.core import NO_STORE, AccountsDep, CallerDep
from app.accounts.schemas import LogIn, RefreshRequest, Tokens
from app.accounts.sessions import Issued
from app.api.answers import problems
from app.api.dependencies import DatabaseDep
from app.api.responses import json_response
from app.api.routing import Router
from app.core.security import public

router = Router(prefix="/auth", tags=["Authentication"], dependencies=[public])


@router.post("/token", operation_id="auth_token", response_model=Tokens, responses=problems(400, 429))
async def log_in(
    form: Annotated[LogIn, Form()], accounts: AccountsDep, database: DatabaseDep, caller: CallerDep
) -> Response:
    """Log in with e-mail (as `username`) and password, by the password form of OAuth 2.0."""
    return _tokens(await login.log_in(accounts, database, form.username, form.password, form.scope, caller))


@router.post("/refresh", operation_id="auth_refresh", response_model=Tokens, responses=problems(400))
async def refresh(data: RefreshRequest, accounts: AccountsDep, database: DatabaseDep) -> Response:
    """Replace a refresh token by a new one, with a new access token. A token that is used again ends the session."""
    return _tokens(await sessions.refresh(accounts, database, data.refresh_token))


@router.post("/logout", operation_id="auth_logout", status_code=204)
async def log_out(data: RefreshRequest, database: DatabaseDep) -> Response:
    """End the session of a refresh token. Its access token is valid until it expires."""
    await sessions.log_out(database, data.refresh_token)
    return Response(status_code=204)


def _tokens(issued: Issued) -> Response:
    return json_response({**asdict(issued), "token_type": "Bearer"}, headers=NO_STORE)
