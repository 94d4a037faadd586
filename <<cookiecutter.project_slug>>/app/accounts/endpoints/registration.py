"""HTTP operations of those who cannot log in yet, or not any more."""

from __future__ import annotations

from fastapi import Response

from app.accounts import registration
from app.accounts.core import AccountsDep, CallerDep
from app.accounts.schemas import Accepted, Forgot, Register, Reset, Verify
from app.api.answers import Answers, problem_answer, problems
from app.api.dependencies import DatabaseDep
from app.api.responses import json_response
from app.api.routing import Router
from app.core.security import public

router = Router(prefix="/auth", tags=["Authentication"], dependencies=[public])


# Without the challenge of a 403 for a token's scopes.
CLOSED: Answers = {403: {**problem_answer(403), "description": "Registration is not open", "headers": {}}}


def _accepted() -> Response:
    return json_response({"status": "accepted"}, 202)


@router.post(
    "/register",
    operation_id="auth_register",
    status_code=202,
    response_model=Accepted,
    responses=CLOSED | problems(429),
)
async def register(data: Register, accounts: AccountsDep, database: DatabaseDep, caller: CallerDep) -> Response:
    """Register. The answer is the same for an e-mail that is known; a message says how to go on."""
    await registration.register(accounts, database, data.email, data.password, data.name, caller)
    return _accepted()


@router.post("/verify", operation_id="auth_verify", status_code=204, responses=problems(400, 429))
async def verify(data: Verify, accounts: AccountsDep, database: DatabaseDep, caller: CallerDep) -> Response:
    """Confirm the e-mail with the token of a message and the password that was registered."""
    await registration.verify(accounts, database, data.token, data.password, caller)
    return Response(status_code=204)


@router.post("/forgot", operation_id="auth_forgot", status_code=202, response_model=Accepted, responses=problems(429))
async def forgot(data: Forgot, accounts: AccountsDep, database: DatabaseDep, caller: CallerDep) -> Response:
    """Ask for a message with a token to reset the password. The answer is the same for an unknown e-mail."""
    await registration.forgot(accounts, database, data.email, caller)
    return _accepted()


@router.post("/reset", operation_id="auth_reset", status_code=204, responses=problems(400))
async def reset(data: Reset, accounts: AccountsDep, database: DatabaseDep, caller: CallerDep) -> Response:
    """Set the password with the token of a message. Every session ends, and so does a delay of log-ins."""
    await registration.reset(accounts, database, data.token, data.password, caller)
    return Response(status_code=204)
