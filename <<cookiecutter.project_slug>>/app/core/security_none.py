"""No authentication: every caller may call every operation, as `anonymous`.

Same interface as with tokens, so that no other module depends on the choice. Put an authenticating proxy in front.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, params
from starlette.types import Scope

from app.settings.base import EnvironmentSettings

SETTINGS: tuple[type[EnvironmentSettings], ...] = ()


class Guard:
    """Never created: without tokens no guard is needed."""

    async def admit(self, scope: Scope) -> None: ...


def install(app: FastAPI) -> None: ...


async def _public() -> None:
    """A marker without effect: every route is public."""


public: params.Depends = Depends(_public)


def guard_of(dependencies: Sequence[params.Depends]) -> tuple[Guard | None, list[params.Depends]]:
    return None, [entry for entry in dependencies if entry.dependency is not _public]


def security_of(guard: Guard) -> list[dict[str, list[str]]]:
    return []


def security_schemes(scopes: Iterable[str], under: str) -> dict[str, Any]:
    return {}


def unprotected_routes(app: FastAPI, under: str) -> list[str]:
    return []


def refuse_unprotected(app: FastAPI, under: str) -> None: ...


async def subject_of(request: Request) -> str:
    return "anonymous"


Subject = Annotated[str, Depends(subject_of)]
