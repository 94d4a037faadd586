"""Dependencies of endpoints: the database, and the versions and keys that a request names in its headers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.headers import IDEMPOTENCY_KEY, IF_MATCH, LONGEST_KEY, reads
from app.core.database import Database
from app.core.exceptions import Unprocessable
from app.core.security import subject_of
from app.services.idempotency import IdempotentRequest

_STRONG_TAG = re.compile(r'"(\d{1,9})"')


async def get_database(request: Request) -> Database:
    return database_of(request)


def database_of(request: Request) -> Database:
    """For dependencies that have the request at hand: another level of dependencies costs 5 us."""
    database: Database = request.app.state.database
    return database


DatabaseDep = Annotated[Database, Depends(get_database)]


async def get_session(database: DatabaseDep) -> AsyncIterator[AsyncSession]:
    async with database.session() as session:
        yield session


# The scope ends the session before the response is sent: a slow client must not hold a connection.
SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]


@reads(IF_MATCH)
async def expected_versions(request: Request) -> list[int] | None:
    """The versions that `If-Match` allows (RFC 9110, 13.1.1); None when any will do.

    A weak or foreign tag never matches: it is left out, and an empty list ends in 412. So does `If-None-Match: *`,
    which only lets pass what does not exist yet (13.1.2).
    """
    if request.headers.get("if-none-match", "").strip() == "*":
        return []
    if_match = request.headers.get("if-match")
    if if_match is None or if_match.strip() == "*":
        return None
    tags = (_STRONG_TAG.fullmatch(tag.strip()) for tag in if_match.split(","))
    return [int(tag[1]) for tag in tags if tag]


ExpectedVersions = Annotated[list[int] | None, Depends(expected_versions)]


@reads(IDEMPOTENCY_KEY)
async def idempotent_request(request: Request) -> IdempotentRequest | None:
    """The caller's promise that requests with this key are one and the same; optional.

    Raises Unprocessable for a key that is empty or longer than its column.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY:
        detail = f"has 1 to {LONGEST_KEY} characters"
        fault = {"in": "header", "parameter": "idempotency-key", "code": "length", "detail": detail}
        raise Unprocessable(
            f"Invalid Idempotency-Key: it must have 1 to {LONGEST_KEY} characters.", code="invalid", errors=[fault]
        )
    return IdempotentRequest(await subject_of(request), key)


Idempotency = Annotated[IdempotentRequest | None, Depends(idempotent_request)]
