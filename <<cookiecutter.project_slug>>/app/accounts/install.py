"""Wiring of accounts into the application."""

from __future__ import annotations

from fastapi import FastAPI

from app.accounts.core import make_accounts
from app.accounts.current import DatabaseVerifier
from app.accounts.endpoints import discovery, me, registration, tokens, users
from app.api.routing import include


def install(app: FastAPI, prefix: str) -> None:
    """Serve the endpoints of accounts. The routes of the resources must be there: roles grant their scopes."""
    include(app, [tokens.router, registration.router, me.router, users.router], prefix)
    include(app, [discovery.router], "")
    app.state.accounts = make_accounts(app)
    if app.state.accounts.settings.check_database:
        app.state.verifier = DatabaseVerifier(app.state.verifier, app)
