"""Users, their sessions and single-use tokens, and the attempts that throttling counts. Secrets are hashed."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import DateTime, ForeignKey, Index, Integer, LargeBinary, String, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, ResourceColumns

EMAIL_LENGTH = 254  # RFC 5321, 4.5.3.1.3
Moment = DateTime(timezone=True)


class User(ResourceColumns, Base):
    """A user. `email_folded` compares without case and is unique among the users that are not deleted."""

    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_email", "email_folded", unique=True, postgresql_where=text("deleted_at IS NULL")),
        Index(None, "created_at", "id"),
    )

    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    email_folded: Mapped[str] = mapped_column(String(EMAIL_LENGTH * 3))
    name: Mapped[str | None] = mapped_column(String(200))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    is_verified: Mapped[bool] = mapped_column(server_default=text("false"))
    roles: Mapped[list[str]] = mapped_column(ARRAY(String(64)), server_default=text("'{}'"))
    deleted_at: Mapped[dt.datetime | None] = mapped_column(Moment)


class UserSession(Base):
    """A log-in: a family of refresh tokens, each of which replaces the one before it."""

    __tablename__ = "user_sessions"
    __table_args__ = (Index(None, "user_id"), Index(None, "expires_at"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    # Input of the next refresh token, so that a repeated request gets the same one; useless without the last token.
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    scope: Mapped[str | None] = mapped_column(String(4000))
    client: Mapped[str | None] = mapped_column(String(200))
    address: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[dt.datetime] = mapped_column(Moment, server_default=func.now())
    used_at: Mapped[dt.datetime] = mapped_column(Moment, server_default=func.now())
    expires_at: Mapped[dt.datetime] = mapped_column(Moment)
    revoked_at: Mapped[dt.datetime | None] = mapped_column(Moment)


class UserRefreshToken(Base):
    __tablename__ = "user_refresh_tokens"
    __table_args__ = (Index(None, "session_id"),)

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user_sessions.id", ondelete="CASCADE"))
    used_at: Mapped[dt.datetime | None] = mapped_column(Moment)


class UserMailedToken(Base):
    """A single-use token that was sent by e-mail, for one `purpose`: verify, reset or invite."""

    __tablename__ = "user_mailed_tokens"
    __table_args__ = (Index(None, "user_id"), Index(None, "expires_at"))

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(String(16))
    expires_at: Mapped[dt.datetime] = mapped_column(Moment)


class UserAttempt(Base):
    """Failures counted under one key: an account, an address, or both together (app/accounts/throttle.py)."""

    __tablename__ = "user_attempts"
    __table_args__ = (Index(None, "updated_at"),)

    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    blocked_until: Mapped[dt.datetime] = mapped_column(Moment)
    updated_at: Mapped[dt.datetime] = mapped_column(Moment)
