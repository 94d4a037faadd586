"""Bodies and responses of the endpoints of accounts."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.models.user import EMAIL_LENGTH
from app.schemas.base import NO_NUL, PageQuery, QueryBool, ReadSchema, Schema, omitted

# The form of HTML's input of type email: one address, without a character that a header gives a meaning to.
EMAIL = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$"
Email = Annotated[str, Field(max_length=EMAIL_LENGTH, pattern=EMAIL, examples=["ada@example.com"])]
Secret = Annotated[str, Field(min_length=1, max_length=1024, pattern=NO_NUL)]
NewPassword = Annotated[str, Field(min_length=15, max_length=128, pattern=NO_NUL)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
RoleName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_-]*$")]
Roles = Annotated[list[RoleName], Field(max_length=20)]


class LogIn(BaseModel):
    """The form of RFC 6749, 4.3.2."""

    model_config = ConfigDict(extra="ignore")

    grant_type: Literal["password"] = "password"
    username: Annotated[str, Field(min_length=1, max_length=EMAIL_LENGTH, pattern=NO_NUL, description="The e-mail.")]
    password: Secret
    scope: Annotated[str, Field(max_length=4000, pattern=NO_NUL)] = ""


class Tokens(BaseModel):
    """Answer of RFC 6749, 5.1."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    refresh_token: str
    scope: str


class RefreshRequest(Schema):
    refresh_token: Secret


class Register(Schema):
    email: Email
    password: NewPassword
    name: Name | None = None


class Verify(Schema):
    token: Secret
    password: Secret


class Forgot(Schema):
    email: Email


class Reset(Schema):
    token: Secret
    password: NewPassword


class ChangePassword(Schema):
    current_password: Secret
    password: NewPassword


class Accepted(BaseModel):
    status: Literal["accepted"]


class UserCreate(Schema):
    email: Email
    name: Name | None = None
    roles: Roles = Field(default_factory=list)
    is_active: Annotated[bool, Field(strict=True)] = True


class UserUpdate(Schema):
    email: Email = omitted()
    name: Name | None = omitted()
    roles: Roles = omitted()
    is_active: Annotated[bool, Field(strict=True)] = omitted()


class UserRead(ReadSchema):
    email: str
    name: str | None
    is_active: bool
    is_verified: bool
    roles: list[str]


class UserQuery(PageQuery):
    sort: Literal["created_at", "-created_at"] = Field(default="-created_at")
    is_active: QueryBool | None = None


class MeUpdate(Schema):
    name: Name | None = omitted()


class SessionRead(BaseModel):
    id: uuid.UUID
    client: str | None
    address: str | None
    created_at: dt.datetime
    used_at: dt.datetime
    expires_at: dt.datetime
    is_current: bool


class Sessions(BaseModel):
    items: list[SessionRead]
