"""Throttling of guesses, in PostgreSQL, so that all instances count together.

Each attempt is counted before the password is looked at, and given back when it was right. After the free attempts
every further one doubles the delay, up to a bound. Three counters:

- an account from one address: a stranger delays only himself;
- one address on all accounts: guessing through a list of users. It forgets one attempt a minute;
- one account from all addresses: guessing by a botnet. It does not hold up an address from which the user has logged
  in before, and a reset of the password ends it.

A client whose address is not known is counted by the account alone: in the counters with an address, a stranger would
delay everybody behind the same proxy.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math

from sqlalchemy import text

from app.auth.account_settings import AccountSettings
from app.core.exceptions import Problem
from app.db.driver import Connection, Statement

# Seconds without an attempt after which a counter starts again.
MEMORY_SECONDS = 86_400
# Seconds after which an address gets one attempt back: an office behind one address has wrong log-ins all day.
FORGIVEN_SECONDS = 60

# The attempts that still count.
_KEPT = (
    "CASE WHEN a.updated_at < clock_timestamp() - make_interval(secs => :memory) THEN 0 ELSE greatest(0, a.count - "
    "CAST(floor(extract(epoch FROM clock_timestamp() - a.updated_at) / :forgiven) AS integer)) END"
)
_COUNT = Statement(
    text(
        "INSERT INTO user_attempts AS a (key, count, blocked_until, updated_at) VALUES (:key, 1, "
        "clock_timestamp() + make_interval(secs => CASE WHEN :free <= 1 THEN 1.0 ELSE 0.0 END), clock_timestamp()) "
        "ON CONFLICT (key) DO UPDATE SET count = KEPT + 1, "
        "blocked_until = clock_timestamp() + make_interval(secs => CASE WHEN KEPT + 1 < :free THEN 0.0 "
        "ELSE least(CAST(:longest AS float), power(2.0, least(KEPT + 1 - :free, 30))) END), "
        "updated_at = clock_timestamp() "
        "WHERE a.blocked_until <= clock_timestamp() RETURNING 1".replace("KEPT", _KEPT)
    )
)
# With each attempt, because each adds up to three counters: a guesser with many addresses must not fill the disk.
_PURGE = Statement(
    text(
        "DELETE FROM user_attempts WHERE key IN (SELECT key FROM user_attempts "
        "WHERE updated_at < clock_timestamp() - make_interval(secs => :memory) LIMIT 20 FOR UPDATE SKIP LOCKED)"
    )
)
_WAIT = Statement(
    text("SELECT extract(epoch FROM blocked_until - clock_timestamp()) FROM user_attempts WHERE key = :key")
)
_FORGET = Statement(text("DELETE FROM user_attempts WHERE key = ANY(CAST(:keys AS bytea[]))"))
_GIVE_BACK = Statement(
    text(
        "UPDATE user_attempts SET count = greatest(count - 1, 0), blocked_until = updated_at "
        "WHERE key = ANY(CAST(:keys AS bytea[]))"
    )
)
_KNOWN = Statement(
    text(
        "SELECT 1 FROM users JOIN user_sessions ON user_sessions.user_id = users.id "
        "WHERE users.email_folded = :account AND users.deleted_at IS NULL AND user_sessions.address = :address LIMIT 1"
    )
)


def network_of(address: str | None) -> str:
    """Return the address as it is counted: an IPv6 client has a whole /64 of them."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False).network_address)
    return str(found)


def is_private(address: str) -> bool:
    return ipaddress.ip_address(address).is_private


class Throttle:
    """Counts the attempts at `what`: log-ins, or requests for mail. Methods are part of the caller's transaction."""

    def __init__(self, settings: AccountSettings, what: str = "login") -> None:
        self._settings = settings
        self._what = what

    async def count(self, connection: Connection, account: str, address: str) -> None:
        """Count one attempt. Raises Problem 429 while a counter is blocked; then nothing is counted."""
        settings = self._settings
        await connection.run(_PURGE, {"memory": float(MEMORY_SECONDS)})
        if address:
            key, free = self._key("address", address), settings.attempts_per_address
            await self._one(connection, key, free, forgiven=FORGIVEN_SECONDS)
            await self._one(connection, self._key("pair", account, address), settings.attempts_per_pair)
        if not address or await connection.scalar(_KNOWN, {"account": account, "address": address}) is None:
            await self._one(connection, self._key("account", account), settings.attempts_per_account)

    async def give_back(self, connection: Connection, account: str, address: str) -> None:
        """End the delay of this account from this address: the attempt was right."""
        await connection.run(_GIVE_BACK, {"keys": [self._key("address", address)]})
        await connection.run(_FORGET, {"keys": [self._key("pair", account, address)]})
        await connection.run(_GIVE_BACK, {"keys": [self._key("account", account)]})

    async def unlock(self, connection: Connection, account: str, address: str) -> None:
        """Forget all attempts at this account."""
        keys = [self._key("account", account), self._key("pair", account, address)]
        await connection.run(_FORGET, {"keys": keys})

    async def _one(self, connection: Connection, key: bytes, free: int, *, forgiven: int = MEMORY_SECONDS) -> None:
        longest = self._settings.delay_seconds
        values = {"key": key, "free": free, "memory": MEMORY_SECONDS, "forgiven": float(forgiven), "longest": longest}
        if await connection.scalar(_COUNT, values) is None:
            wait = await connection.scalar(_WAIT, {"key": key})
            raise too_many(max(1, math.ceil(wait or 0)))

    def _key(self, kind: str, *parts: str) -> bytes:
        return hashlib.sha256("\0".join((self._what, kind, *parts)).encode()).digest()


def too_many(seconds: int) -> Problem:
    detail = f"Too many attempts. Try again in {seconds} s, or reset the password."
    return Problem(detail, status=429, code="too_many_attempts", headers={"Retry-After": str(seconds)})
