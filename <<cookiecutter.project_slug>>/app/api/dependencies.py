"""What endpoints ask for besides their own service."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Header, Request

from app.core.security import subject_of
from app.services.idempotency import IdempotentRequest

_STRONG_TAG = re.compile(r'"(\d{1,9})"')


async def expected_versions(if_match: Annotated[str | None, Header()] = None) -> list[int] | None:
    """The versions that `If-Match` allows (RFC 9110, 13.1.1); None when any will do.

    A weak or foreign tag never matches: it is left out, and an empty list ends in 412.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    tags = (_STRONG_TAG.fullmatch(tag.strip()) for tag in if_match.split(","))
    return [int(tag[1]) for tag in tags if tag]


ExpectedVersions = Annotated[list[int] | None, Depends(expected_versions)]


async def idempotent_request(
    request: Request,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> IdempotentRequest | None:
    """The caller's promise that requests with this key are one and the same; optional."""
    if idempotency_key is None:
        return None
    return IdempotentRequest(await subject_of(request), idempotency_key)


Idempotency = Annotated[IdempotentRequest | None, Depends(idempotent_request)]
