"""Parts that the endpoints of accounts share, made once from the settings: `app.state.accounts`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated

import structlog
from fastapi import Depends, FastAPI, Request

from app.accounts.background import Background
from app.accounts.mail import Mailer, make_mailer
from app.accounts.passwords import Passwords
from app.accounts.throttle import Throttle, is_private, network_of
from app.auth.account_settings import AccountSettings, MailSettings
from app.auth.signing import KeyRing
from app.core.config import load
from app.core.security import all_scopes

log = structlog.get_logger("app.accounts")
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}  # RFC 6749, 5.1


@dataclass(frozen=True)
class Accounts:
    settings: AccountSettings
    keys: KeyRing
    passwords: Passwords
    mailer: Mailer
    # Every scope that a role can grant.
    scopes: frozenset[str]
    logins: Throttle
    mails: Throttle
    background: Background = field(default_factory=Background)

    async def stop(self) -> None:
        await self.background.stop()
        self.passwords.stop()


@dataclass(frozen=True)
class Caller:
    """Client of a request: its network, as throttling counts it, and its User-Agent.

    `address` is empty where it is that of a proxy, which all clients share.
    """

    address: str
    agent: str | None


def make_accounts(app: FastAPI, more_scopes: Iterable[str] = ()) -> Accounts:
    """Return the parts for `app`, whose routes are complete. Raises ConfigurationError."""
    settings, mail = load(AccountSettings, MailSettings)
    assert isinstance(settings, AccountSettings)  # noqa: S101 - for the type checker
    assert isinstance(mail, MailSettings)  # noqa: S101 - for the type checker
    return Accounts(
        settings=settings,
        keys=settings.key_ring,
        passwords=Passwords(settings),
        mailer=make_mailer(mail),
        scopes=frozenset({*all_scopes(app), *settings.scopes, *more_scopes}),
        logins=Throttle(settings),
        mails=Throttle(settings, "mail"),
    )


def accounts_of(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts


async def caller_of(request: Request) -> Caller:
    agent = request.headers.get("user-agent", "")[:200].replace("\0", "")
    address = network_of(request.client.host if request.client else None)
    trusted = request.app.state.settings.forwarded_allow_ips
    if address and not trusted and "x-forwarded-for" in request.headers and is_private(address):
        _warn_of_proxy(address)
        address = ""
    return Caller(address, agent or None)


@cache
def _warn_of_proxy(address: str) -> None:
    """Write one line, not one for each request."""
    log.warning("clients cannot be told apart; set FORWARDED_ALLOW_IPS to the proxy", proxy=address)


async def get_accounts(request: Request) -> Accounts:
    return accounts_of(request)


AccountsDep = Annotated[Accounts, Depends(get_accounts)]
CallerDep = Annotated[Caller, Depends(caller_of)]


def fold(email: str) -> str:
    """Return the form in which e-mails are compared: without case."""
    return email.casefold()
