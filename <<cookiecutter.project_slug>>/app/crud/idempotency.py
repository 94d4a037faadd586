"""Queries on the idempotency records. Nothing here commits."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, Interval, bindparam, delete, func, insert, select, tuple_

from app.db.driver import Connection, Row, Statement
from app.models.idempotency import IdempotencyKey as Record

_IDENTITY = (
    Record.subject == bindparam("subject"),
    Record.route == bindparam("route"),
    Record.key == bindparam("key"),
)
_LOCK = Statement(select(func.pg_try_advisory_xact_lock(bindparam("lock", type_=BigInteger))))
_FIND = Statement(select(Record.request_hash, Record.answer, Record.created_at).where(*_IDENTITY))
_FORGET = Statement(delete(Record).where(*_IDENTITY))
_KEEP = Statement(
    insert(Record).values({name: bindparam(name) for name in ("subject", "route", "key", "request_hash", "answer")})
)
# Each new record removes two expired ones: the table cannot grow beyond a lifetime's worth, and no request pays for
# thousands. Two concurrent requests do not wait for each other.
_OVER = (
    select(Record.subject, Record.route, Record.key)
    .where(Record.created_at < func.now() - bindparam("lifetime", type_=Interval))
    .order_by(Record.created_at)
    .limit(2)
    .with_for_update(skip_locked=True)
)
_PURGE = Statement(delete(Record).where(tuple_(Record.subject, Record.route, Record.key).in_(_OVER)))


async def lock(connection: Connection, number: int) -> bool:
    """Take the advisory lock until the transaction ends; False when another request holds it."""
    return bool(await connection.scalar(_LOCK, {"lock": number}))


async def find(connection: Connection, identity: dict[str, str]) -> Row | None:
    return await connection.one_or_none(_FIND, identity)


async def forget(connection: Connection, identity: dict[str, str]) -> None:
    await connection.run(_FORGET, identity)


async def keep(connection: Connection, identity: dict[str, str], request_hash: bytes, answer: Row) -> None:
    await connection.run(_KEEP, {**identity, "request_hash": request_hash, "answer": answer})


async def purge(connection: Connection, lifetime: dt.timedelta) -> int:
    """Delete some records older than `lifetime`. Returns the number deleted."""
    return await connection.run(_PURGE, {"lifetime": lifetime})
