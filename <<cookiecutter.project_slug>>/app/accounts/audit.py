"""Audit log: one line for each event that matters to security, with the request's id and without secrets.

The lines have `"audit": true`. An e-mail that nobody verified to be a user's is left out: people type their password
into the wrong field.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import structlog

Event = Literal[
    "login",
    "login_failed",
    "login_throttled",
    "logout",
    "refresh_reused",
    "password_changed",
    "password_reset",
    "user_registered",
    "user_created",
    "user_changed",
    "user_deleted",
    "roles_changed",
    "session_revoked",
    "token_issued",
    "mail_failed",
]

log = structlog.get_logger("app.audit")


def record(event: Event, *, user: UUID | str | None = None, **details: str | int | list[str] | None) -> None:
    told = {name: value for name, value in details.items() if value is not None}
    log.info(event, audit=True, user=str(user) if user else None, **told)
