"""The statements on users, sessions and tokens, compiled once. Nothing here commits.

Moments are `clock_timestamp()`, not `now()`: what a transaction waits for takes time.
"""

from __future__ import annotations

from sqlalchemy import text

from app.db.driver import Statement


def _statement(sql: str) -> Statement:
    return Statement(text(sql))


USER_BY_EMAIL = _statement("SELECT * FROM users WHERE email_folded = :email AND deleted_at IS NULL")
USER_BY_ID = _statement("SELECT * FROM users WHERE id = :id AND deleted_at IS NULL")
# Waits for a change of the user that is under way, and makes the next one wait for what this transaction begins.
LOCK_USER = _statement("SELECT * FROM users WHERE id = :id AND deleted_at IS NULL FOR NO KEY UPDATE")
INSERT_USER = _statement(
    "INSERT INTO users (id, email, email_folded, name, password_hash, is_verified, roles) "
    "VALUES (:id, :email, :folded, :name, :password_hash, :is_verified, :roles) "
    "ON CONFLICT (email_folded) WHERE deleted_at IS NULL DO NOTHING RETURNING *"
)
SET_PASSWORD = _statement(
    "UPDATE users SET password_hash = :password_hash, is_verified = true, version = version + 1, "
    "updated_at = clock_timestamp() WHERE id = :id AND deleted_at IS NULL "
    "AND (CAST(:old AS text) IS NULL OR password_hash = :old) RETURNING *"
)
REHASH = _statement("UPDATE users SET password_hash = :new WHERE id = :id AND password_hash = :old")
SET_VERIFIED = _statement(
    "UPDATE users SET is_verified = true, version = version + 1, updated_at = clock_timestamp() "
    "WHERE id = :id AND deleted_at IS NULL RETURNING *"
)
SET_NAME = _statement(
    "UPDATE users SET name = :name, version = version + 1, updated_at = clock_timestamp() "
    "WHERE id = :id AND deleted_at IS NULL RETURNING *"
)
SET_ACTIVE = _statement(
    "UPDATE users SET is_active = :is_active, version = version + 1, updated_at = clock_timestamp() "
    "WHERE id = :id AND deleted_at IS NULL RETURNING *"
)
DELETE_USER = _statement(
    "UPDATE users SET deleted_at = clock_timestamp(), is_active = false, password_hash = NULL, version = version + 1, "
    "updated_at = clock_timestamp() WHERE id = :id AND deleted_at IS NULL "
    "AND (CAST(:versions AS integer[]) IS NULL OR version = ANY(CAST(:versions AS integer[]))) RETURNING *"
)
# Serialises the changes that may take away the last administrator, until the transaction ends.
LOCK_ADMINISTRATION = _statement("SELECT pg_advisory_xact_lock(hashtext('users: administration'))")
IS_LAST_OF_ROLES = _statement(
    "SELECT 1 FROM users WHERE id = :id AND is_active AND deleted_at IS NULL AND roles && CAST(:roles AS varchar[]) "
    "AND NOT EXISTS (SELECT 1 FROM users AS others WHERE others.id <> users.id AND others.is_active "
    "AND others.is_verified AND others.deleted_at IS NULL AND others.roles && CAST(:roles AS varchar[]))"
)

INSERT_SESSION = _statement(
    "INSERT INTO user_sessions (id, user_id, secret, scope, client, address, created_at, used_at, expires_at) "
    "VALUES (:id, :user_id, :secret, :scope, :client, :address, clock_timestamp(), clock_timestamp(), "
    "clock_timestamp() + make_interval(secs => :seconds))"
)
SESSION_OF_TOKEN = _statement(
    "SELECT user_sessions.*, user_refresh_tokens.used_at AS token_used_at, "
    "user_refresh_tokens.used_at > clock_timestamp() - make_interval(secs => :grace) AS is_recent, "
    "user_sessions.revoked_at IS NULL AND user_sessions.expires_at > clock_timestamp() AS is_open "
    "FROM user_refresh_tokens JOIN user_sessions ON user_sessions.id = user_refresh_tokens.session_id "
    "WHERE user_refresh_tokens.hash = :hash FOR UPDATE"
)
OPEN_SESSIONS = _statement(
    "SELECT id, client, address, created_at, used_at, expires_at FROM user_sessions "
    "WHERE user_id = :user_id AND revoked_at IS NULL AND expires_at > clock_timestamp() ORDER BY used_at DESC LIMIT 100"
)
IS_OPEN = _statement(
    "SELECT 1 FROM user_sessions WHERE id = :id AND user_id = :user_id AND revoked_at IS NULL "
    "AND expires_at > clock_timestamp()"
)
TOUCH_SESSION = _statement("UPDATE user_sessions SET used_at = clock_timestamp() WHERE id = :id")
REVOKE_SESSION = _statement(
    "UPDATE user_sessions SET revoked_at = clock_timestamp() "
    "WHERE id = :id AND user_id = :user_id AND revoked_at IS NULL"
)
REVOKE_SESSIONS = _statement(
    "UPDATE user_sessions SET revoked_at = clock_timestamp() WHERE user_id = :user_id AND revoked_at IS NULL "
    "AND id IS DISTINCT FROM CAST(:kept AS uuid)"
)
INSERT_TOKEN = _statement("INSERT INTO user_refresh_tokens (hash, session_id) VALUES (:hash, :session_id)")
USE_TOKEN = _statement("UPDATE user_refresh_tokens SET used_at = clock_timestamp() WHERE hash = :hash")
IS_UNUSED = _statement("SELECT 1 FROM user_refresh_tokens WHERE hash = :hash AND used_at IS NULL")

INSERT_MAILED = _statement(
    "INSERT INTO user_mailed_tokens (hash, user_id, purpose, expires_at) "
    "VALUES (:hash, :user_id, :purpose, clock_timestamp() + make_interval(secs => :seconds))"
)
TAKE_MAILED = _statement(
    "DELETE FROM user_mailed_tokens WHERE hash = :hash AND purpose = ANY(CAST(:purposes AS text[])) "
    "AND expires_at > clock_timestamp() RETURNING user_id"
)
OWNER_OF_MAILED = _statement(
    "SELECT users.* FROM user_mailed_tokens JOIN users ON users.id = user_mailed_tokens.user_id "
    "WHERE user_mailed_tokens.hash = :hash AND user_mailed_tokens.purpose = ANY(CAST(:purposes AS text[])) "
    "AND user_mailed_tokens.expires_at > clock_timestamp() AND users.deleted_at IS NULL"
)
DROP_MAILED_TO_OTHERS = _statement(
    "DELETE FROM user_mailed_tokens USING users WHERE users.id = :user_id AND user_mailed_tokens.user_id = users.id "
    "AND users.email_folded <> :folded"
)
DROP_MAILED = _statement(
    "DELETE FROM user_mailed_tokens WHERE user_id = :user_id AND purpose = ANY(CAST(:purposes AS text[]))"
)

PURGE = (
    _statement(
        "DELETE FROM user_sessions WHERE id IN (SELECT id FROM user_sessions WHERE expires_at < clock_timestamp() "
        "LIMIT 20 FOR UPDATE SKIP LOCKED)"
    ),
    _statement(
        "DELETE FROM user_mailed_tokens WHERE hash IN (SELECT hash FROM user_mailed_tokens "
        "WHERE expires_at < clock_timestamp() LIMIT 20 FOR UPDATE SKIP LOCKED)"
    ),
)
