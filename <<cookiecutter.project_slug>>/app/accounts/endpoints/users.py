"""HTTP operations on users, for administrators."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from app.accounts.administration import UserService
from app.accounts.core import accounts_of
from app.accounts.schemas import UserCreate, UserQuery, UserRead, UserUpdate
from app.api.answers import CHANGED, CREATED, DELETED, FOUND, PAGE
from app.api.dependencies import TAKES_IDEMPOTENCY_KEY, ExpectedVersions, Idempotency, IfNoneMatch, database_of
from app.api.pagination import page_response
from app.api.responses import created_response, not_modified_or, resource_response
from app.api.routing import Router
from app.core.security import requires
from app.schemas import base

# `uuid` in the path: `/users/me` is the own account.
router = Router(prefix="/users", tags=["Users"])
READ = [requires("users:read")]
WRITE = [requires("users:write")]


async def service_of(request: Request) -> UserService:
    return UserService(database_of(request), accounts_of(request))


Service = Annotated[UserService, Depends(service_of)]


@router.get("", operation_id="users_list", responses=PAGE, response_model=base.Page[UserRead], dependencies=READ)
async def list_users(request: Request, query: Annotated[UserQuery, Query()], service: Service) -> Response:
    """A page of users, newest first unless `sort` says otherwise."""
    return await page_response(request, service, query)


@router.post(
    "",
    operation_id="users_create",
    responses=CREATED,
    status_code=201,
    response_model=UserRead,
    openapi_extra=TAKES_IDEMPOTENCY_KEY,
    dependencies=WRITE,
)
async def create_user(request: Request, data: UserCreate, service: Service, idempotency: Idempotency) -> Response:
    """Create a user, who gets a message with a token to choose a password."""
    return created_response(request, await service.create(data, idempotency))


@router.get("/{id:uuid}", operation_id="users_get", responses=FOUND, response_model=UserRead, dependencies=READ)
async def get_user(id: uuid.UUID, service: Service, if_none_match: IfNoneMatch = None) -> Response:
    """One user, or 304 when `If-None-Match` names its ETag."""
    return not_modified_or(if_none_match, await service.get(id))


@router.patch("/{id:uuid}", operation_id="users_change", responses=CHANGED, response_model=UserRead, dependencies=WRITE)
async def change_user(id: uuid.UUID, data: UserUpdate, service: Service, versions: ExpectedVersions) -> Response:
    """Change the members that are sent. A user who is deactivated has no session any more."""
    return resource_response(await service.change(id, data, versions))


@router.delete("/{id:uuid}", operation_id="users_delete", responses=DELETED, status_code=204, dependencies=WRITE)
async def delete_user(id: uuid.UUID, service: Service, versions: ExpectedVersions) -> Response:
    """Delete the user. The row is kept without its password, the sessions end, and the e-mail is free again."""
    await service.delete(id, versions)
    return Response(status_code=204)
