"""Dependencies of endpoints: the database, and the versions and keys that a request names in its headers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Database
from app.core.security import subject_of
from app.services.idempotency import IdempotentRequest

LONGEST_KEY = 255
_STRONG_TAG = re.compile(r'"(\d{1,9})"')

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="`ETag` of the version to change; any other version is left unchanged (412).",
        examples=['"1"'],
    ),
]
IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        description="`ETag` of the client's copy; the response is 304 while it is current.",
        examples=['"1"'],
    ),
]
_KEY = TypeAdapter(Annotated[str, Field(min_length=1, max_length=LONGEST_KEY)])
# For `openapi_extra` of a route with the dependency `Idempotency`. It reads this header from the request: declared to
# FastAPI, the header takes a tenth of the time of a POST (docs/decisions.md of the template).
TAKES_IDEMPOTENCY_KEY: dict[str, Any] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": (
                "A key chosen by the client, such as a UUID: a retry with the same key and body gets the first "
                "response again."
            ),
            "schema": {**_KEY.json_schema(), "examples": ["5f3c8f5a-7d1e-4c1b-9a53-2f1f0f8f7a11"]},
        }
    ]
}


async def get_database(request: Request) -> Database:
    return database_of(request)


def database_of(request: Request) -> Database:
    """Return the database, for dependencies that already have the request: another level of them costs 5 us."""
    database: Database = request.app.state.database
    return database


DatabaseDep = Annotated[Database, Depends(get_database)]


async def get_session(database: DatabaseDep) -> AsyncIterator[AsyncSession]:
    async with database.session() as session:
        yield session


# The scope ends the session before the response is sent: a slow client must not hold a connection.
SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]


async def expected_versions(request: Request, if_match: IfMatch = None) -> list[int] | None:
    """Return the versions that `If-Match` allows (RFC 9110, 13.1.1); None for any version.

    A weak or foreign tag never matches: it is left out, and an empty list leads to 412. So does `If-None-Match: *`,
    which only accepts a resource that does not exist yet (13.1.2).
    """
    if request.headers.get("if-none-match", "").strip() == "*":
        return []
    if if_match is None or if_match.strip() == "*":
        return None
    tags = (_STRONG_TAG.fullmatch(tag.strip()) for tag in if_match.split(","))
    return [int(tag[1]) for tag in tags if tag]


ExpectedVersions = Annotated[list[int] | None, Depends(expected_versions)]


async def idempotent_request(request: Request) -> IdempotentRequest | None:
    """Return the optional key by which a client marks requests as retries of one another.

    Raises RequestValidationError for a key of a wrong length.
    """
    given = request.headers.get("idempotency-key")
    if given is None:
        return None
    try:
        key = _KEY.validate_python(given)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise RequestValidationError([{**fault, "loc": ("header", "Idempotency-Key")} for fault in faults]) from None
    return IdempotentRequest(await subject_of(request), key)


Idempotency = Annotated[IdempotentRequest | None, Depends(idempotent_request)]
