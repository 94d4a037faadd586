"""Idempotency-Key: a retried request gets the stored response and is not executed again.

After draft-ietf-httpapi-idempotency-key-header: the record is written in the transaction that it protects, so neither
ever exists without the other.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import BaseModel

from app.core.exceptions import Conflict, Unprocessable
from app.crud import idempotency as records
from app.db.driver import Connection, Row

LIFETIME = dt.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    subject: str
    key: str


async def once(
    connection: Connection,
    request: IdempotentRequest,
    route: str,
    body: BaseModel,
    action: Callable[[], Awaitable[Row]],
) -> Row:
    """Return the row that `action` creates, or the one that it created for the same request before.

    `connection` must be in a transaction. Raises Conflict while another request with the key is in progress, and
    Unprocessable when the key was used for a different body.
    """
    identity = {"subject": request.subject, "route": route, "key": request.key}
    if not await records.lock(connection, _lock_number(identity)):
        raise Conflict(
            code="idempotency_in_progress",
            detail="A request with this Idempotency-Key is in progress. Retry in a moment.",
            headers={"Retry-After": "1"},
        )
    # Of the members sent: a default may be the time of arrival, which differs for the second request.
    request_hash = hashlib.sha256(body.model_dump_json(exclude_unset=True).encode()).digest()
    record = await records.find(connection, identity)
    if record is not None and record["created_at"] > dt.datetime.now(dt.UTC) - LIFETIME:
        if record["request_hash"] != request_hash:
            raise Unprocessable(
                code="idempotency_key_reused",
                detail="This Idempotency-Key was used for a different body; use a new key for a new request.",
            )
        return record["answer"]
    if record is not None:
        await records.forget(connection, identity)
    row = await action()
    await records.keep(connection, identity, request_hash, dict(row))
    await records.purge(connection, LIFETIME)
    return row


def _lock_number(identity: dict[str, str]) -> int:
    """Return a bigint for pg_try_advisory_xact_lock; a collision of two keys only causes a needless 409."""
    digest = hashlib.blake2b("\0".join(identity.values()).encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
