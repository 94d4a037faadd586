"""Authentication and authorization: strictly verified tokens of one issuer, scopes per route.

A verified token is cached until it expires or its key is withdrawn, so that a request costs one look-up. Routes of
`app.api.routing.Router` require a token unless they declare otherwise: `dependencies=[requires("products:read")]`
requires a scope, `dependencies=[public]` makes a route public.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Security, params
from fastapi.openapi.models import SecurityBase as SecurityModel
from fastapi.routing import iter_route_contexts
from fastapi.security.base import SecurityBase
from starlette.types import Scope

from app.auth.jwt import Identity, Verifier
from app.auth.provider import SETTINGS, load_verifier, scheme
from app.core.exceptions import Forbidden, Unauthorized

__all__ = [
    "SETTINGS",
    "Guard",
    "Identity",
    "Subject",
    "Verifier",
    "all_scopes",
    "guard_of",
    "install",
    "public",
    "refuse_unprotected",
    "requires",
    "security_of",
    "security_schemes",
    "subject_of",
    "unprotected_routes",
]

SCHEME_NAME = "bearer"
_IDENTITY = "app.identity"


def install(app: FastAPI) -> None:
    """Create the verifier. Raises ConfigurationError."""
    app.state.verifier = load_verifier()


@dataclass(frozen=True)
class Guard(SecurityBase):
    """Accepts a request with a valid token that has every scope. As a dependency it returns the `Identity`.

    `optional` scopes change what the operation does: one that reads the rows of every owner.
    """

    scopes: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()

    model = SecurityModel.model_validate(scheme((), ""))
    scheme_name = SCHEME_NAME

    async def __call__(self, request: Request) -> Identity:
        return await self.admit(request.scope)

    async def admit(self, scope: Scope) -> Identity:
        """Check the token. Raises Unauthorized or Forbidden, with the challenge of RFC 6750."""
        identity = scope.get(_IDENTITY)
        if identity is None:
            verifier: Verifier = scope["app"].state.verifier
            header = _authorization(scope)
            identity = verifier.remembered(header) or await verifier.verify(header)
            scope[_IDENTITY] = identity
        if not self.scopes <= identity.scopes:
            wanted = " ".join(sorted(self.scopes))
            challenge = f'Bearer error="insufficient_scope", scope="{wanted}"'
            raise Forbidden(
                f"Insufficient scope: this operation requires `{wanted}`.",
                code="insufficient_scope",
                headers={"WWW-Authenticate": challenge},
            )
        return identity


def _authorization(scope: Scope) -> bytes:
    found: bytes | None = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            if found is not None:
                raise Unauthorized(
                    "The request has more than one Authorization header; send one.",
                    code="token_invalid",
                    headers={"WWW-Authenticate": 'Bearer error="invalid_request"'},
                )
            found = value
    if found is None:
        raise Unauthorized(
            "Authentication required: send `Authorization: Bearer <token>`.",
            code="token_missing",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return found


AUTHENTICATED = Guard()


def requires(*scopes: str, optional: Iterable[str] = ()) -> params.Security:
    """Return a dependency: the caller's token must have every one of `scopes`."""
    security: params.Security = Security(Guard(frozenset(scopes), frozenset(optional)), scopes=list(scopes))
    return security


async def _public() -> None:
    """A marker, read by `guard_of`."""


public: params.Depends = Depends(_public)


def guard_of(dependencies: Sequence[params.Depends]) -> tuple[Guard | None, list[params.Depends]]:
    """Return the guard that a route's dependencies declare (None: public), and the remaining dependencies.

    A route without a declaration requires a token: deny by default.
    """
    marks = [entry for entry in dependencies if entry.dependency is _public]
    guards = [entry.dependency for entry in dependencies if isinstance(entry.dependency, Guard)]
    if marks and guards:
        raise ValueError("a route is public or requires a scope, not both")
    rest = [entry for entry in dependencies if entry.dependency is not _public and entry.dependency not in guards]
    if marks:
        return None, rest
    scopes = frozenset[str]().union(*(guard.scopes for guard in guards))
    return Guard(scopes, frozenset[str]().union(*(guard.optional for guard in guards))), rest


def security_of(guard: Guard) -> list[dict[str, list[str]]]:
    """The security requirement of a guard in OpenAPI."""
    return [{SCHEME_NAME: sorted(guard.scopes)}]


def security_schemes(scopes: Iterable[str], under: str) -> dict[str, Any]:
    """The schemes for the OpenAPI document's components; its operations require `scopes`, and are `under` a path."""
    return {SCHEME_NAME: scheme(scopes, under)}


def unprotected_routes(app: FastAPI, under: str) -> list[str]:
    """Return the routes below the path `under` that neither require a token nor are declared public."""
    found = []
    for context in iter_route_contexts(app.routes):
        if not (context.path or "").startswith(f"{under}/"):
            continue
        guarded = hasattr(context.original_route, "guard") or any(
            isinstance(entry.dependency, Guard) or entry.dependency is _public
            for entry in getattr(context, "dependencies", [])
        )
        if not guarded:
            found.append(f"{','.join(sorted(context.methods or ()))} {context.path}")
    return found


def refuse_unprotected(app: FastAPI, under: str) -> None:
    """Raise RuntimeError for a route below `under` that is open by accident: better no start than an open door."""
    found = unprotected_routes(app, under)
    if found:
        raise RuntimeError(
            f"Unprotected routes: {'; '.join(found)}. Create their router with app.api.routing.Router, or add "
            "dependencies=[requires(...)] or dependencies=[public]."
        )


async def subject_of(request: Request) -> str:
    identity: Identity = request.scope.get(_IDENTITY) or await AUTHENTICATED.admit(request.scope)
    return identity.subject


# The caller's identity: the `sub` of the token.
Subject = Annotated[str, Depends(subject_of)]


def all_scopes(app: FastAPI) -> Iterable[str]:
    """Return every scope that a route of `app` requires or asks for."""
    guards = (getattr(context.original_route, "guard", None) for context in iter_route_contexts(app.routes))
    return sorted({scope for guard in guards if guard for scope in guard.scopes | guard.optional})
