"""The texts of e-mails. They have no word of the user's own choice, so that nobody writes to others through them."""

from __future__ import annotations

import structlog

from app.accounts import audit
from app.accounts.core import Accounts
from app.accounts.mail import link

log = structlog.get_logger("app.accounts")


async def send(accounts: Accounts, to: str, subject: str, text: str) -> None:
    """Send, or write a line to the log: the user asks again."""
    try:
        await accounts.mailer.send(to, subject, text)
    except Exception as error:  # of the mail server, of the network, or of a message that cannot be encoded
        audit.record("mail_failed", subject=subject, error=repr(error)[:300])


async def verify(accounts: Accounts, to: str, token: str) -> None:
    opened = link(accounts.settings.link_url, "verify", token)
    text = f"Confirm that this e-mail is yours, with the password that you chose:\n\n{opened}\n\n"
    await send(accounts, to, "Confirm your e-mail", text + "If you did not register, do nothing.\n")


async def confirm(accounts: Accounts, to: str, token: str) -> None:
    opened = link(accounts.settings.link_url, "verify", token)
    text = f"This is the new e-mail of your account. Confirm it with your password:\n\n{opened}\n\n"
    await send(accounts, to, "Confirm your e-mail", text + "If you have no account, do nothing.\n")


async def invite(accounts: Accounts, to: str, token: str) -> None:
    opened = link(accounts.settings.link_url, "reset", token)
    await send(accounts, to, "Your account", f"An account was made for you. Choose a password:\n\n{opened}\n")


async def reset(accounts: Accounts, to: str, token: str) -> None:
    opened = link(accounts.settings.link_url, "reset", token)
    minutes = accounts.settings.reset_seconds // 60
    text = f"Choose a new password within {minutes} minutes:\n\n{opened}\n\nIf you did not ask for this, do nothing.\n"
    await send(accounts, to, "Reset your password", text)


async def already_registered(accounts: Accounts, to: str) -> None:
    text = "This e-mail was used to register, but has an account already. Log in, or reset the password.\n"
    await send(accounts, to, "You have an account", text)


async def password_changed(accounts: Accounts, to: str) -> None:
    text = "The password of your account was changed, and other sessions have ended. If this was not you, reset it.\n"
    await send(accounts, to, "Your password was changed", text)
