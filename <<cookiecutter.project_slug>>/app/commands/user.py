"""`python -m app user create|disable|password`: users, without the API. Exit code 1: not done, the reason is printed.

The password is read from the standard input, or asked for. With --token none is needed: a single-use token is printed,
with which the user sets the password (`POST /api/v1/auth/reset`). The line of the audit log goes to the standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import re
import sys
from collections.abc import Sequence

from app.accounts import audit, queries, users
from app.accounts.passwords import Passwords
from app.accounts.schemas import EMAIL
from app.auth.account_settings import AccountSettings, load_settings
from app.auth.roles import ROLES
from app.core.config import get_settings
from app.core.database import Database, make_engine
from app.core.exceptions import Problem
from app.db.driver import Connection, Row
from app.models.user import EMAIL_LENGTH
from app.observability.logging import configure_logging

BY = "command"  # in place of the administrator's id: whoever runs it is known to the place where it runs


class Failed(Exception):
    """The command did nothing; the message says why."""


def main(arguments: Sequence[str]) -> int:
    given = _parser().parse_args(list(arguments))
    password = None if given.command == "disable" or given.token else _read_password()
    try:
        print(asyncio.run(_run(given, password)))
    except (Failed, Problem) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app user")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("create", "disable", "password"):
        command = commands.add_parser(name)
        command.add_argument("--email", required=True, type=_email)
        command.add_argument("--token", action="store_true", help="print a single-use token, in place of a password")
        if name == "create":
            command.add_argument("--role", action="append", default=[], choices=sorted(ROLES))
    return parser


def _read_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise SystemExit("The two passwords differ. Nothing was changed; run the command again.")
    return first


def _email(text: str) -> str:
    if len(text) > EMAIL_LENGTH or not re.fullmatch(EMAIL, text):
        raise argparse.ArgumentTypeError(f"{text!r} is no e-mail; give one such as ada@example.com")
    return text


async def _run(given: argparse.Namespace, password: str | None) -> str:
    settings = load_settings()
    with contextlib.redirect_stdout(sys.stderr):  # the standard output has the result alone
        configure_logging(get_settings())
    database = Database(make_engine(get_settings()), pooler=get_settings().database_pooler)
    passwords = Passwords(settings)
    try:
        password_hash = None
        if password is not None:
            await passwords.require_strong(password, [given.email])
            password_hash = await passwords.hash(password)
        user, text = await database.write(lambda connection: _change(connection, given, settings, password_hash))
        _record(given, user)
        return text
    finally:
        passwords.stop()
        await database.stop()


async def _change(
    connection: Connection, given: argparse.Namespace, settings: AccountSettings, password_hash: str | None
) -> tuple[Row, str]:
    """Return the user, and the text to print."""
    if given.command == "create":
        user = await users.create(
            connection,
            given.email,
            roles=given.role,
            password_hash=password_hash,
            is_verified=password_hash is not None,
        )
        if user is None:
            raise Failed(f"{given.email} has a user already; use `user.password` or another e-mail.")
    else:
        user = await users.by_email(connection, given.email)
        if user is None:
            raise Failed(f"{given.email} has no user; check the spelling, or use `user.create`.")
        if given.command == "disable":
            return user, await _disable(connection, user)
        if password_hash is not None:
            await users.set_password(connection, user["id"], password_hash)
    if password_hash is None:
        return user, await users.mailed_token(connection, user["id"], "invite", settings.verify_seconds)
    return user, f"{user['id']} {given.email}"


async def _disable(connection: Connection, user: Row) -> str:
    await connection.run(queries.SET_ACTIVE, {"id": user["id"], "is_active": False})
    ended = await users.end_sessions(connection, user["id"])
    return f"{user['email']} is disabled; {ended} sessions ended."


def _record(given: argparse.Namespace, user: Row) -> None:
    if given.command == "create":
        audit.record("user_created", user=user["id"], roles=list(user["roles"]), by=BY)
    elif given.command == "disable":
        audit.record("user_changed", user=user["id"], members=["is_active"], by=BY)
    elif not given.token:
        audit.record("password_changed", user=user["id"], by=BY)
    if given.token and given.command != "disable":
        audit.record("token_issued", user=user["id"], by=BY)
