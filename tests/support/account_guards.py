"""Guards of a service with users of its own, each with the mutation that removes it and a test that must notice.

Where a second guard stops the same attack, the mutation removes both. The check of a token's algorithm is not in the
table: the key set knows each key by its algorithm, and PyJWT takes no Ed25519 key for any other.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ACCOUNTS, UNIT = "tests/integration/accounts", "tests/unit/accounts"
LOGIN, SESSIONS, USERS, MAIL, THROTTLE, ATTACKS = (
    f"{ACCOUNTS}/test_{name}.py" for name in ("login", "sessions", "users", "registration", "throttle", "attacks")
)
FORGED = f"{UNIT}/test_forged_tokens.py::test_a_forged_token_is_refused"
REVOKE = 'await connection.run(queries.REVOKE_SESSION, {"id": session["id"], "user_id": session["user_id"]})'
KEYS, BACKGROUND = f"{UNIT}/test_keys.py", f"{UNIT}/test_background.py"

# Paths in a service -> in the template, where the answer to `auth` chooses the file.
IN_TEMPLATE = {"app/auth/provider.py": "app/auth/provider_accounts.py"}


class NotFoundOnce(AssertionError):
    """The text of a mutation is not in its file, or more than once."""


@dataclass(frozen=True)
class Change:
    """`old` becomes `new` in a file of the service."""

    path: str
    old: str
    new: str

    def of(self, source: str) -> str:
        """Return the changed source. Raises NotFoundOnce, or SyntaxError when it is no Python any more."""
        if (count := source.count(self.old)) != 1:
            raise NotFoundOnce(f"{self.path} has {count} times: {self.old}")
        changed = source.replace(self.old, self.new)
        ast.parse(changed)
        return changed


@dataclass(frozen=True)
class Guard:
    """`test` is red without it: after all `changes`."""

    test: str
    changes: tuple[Change, ...]

    def remove(self, service: Path) -> Mapping[Path, str]:
        """Change the files of a service; return what they were."""
        kept: dict[Path, str] = {}
        for change in self.changes:
            file = service / change.path
            source = file.read_text()
            kept.setdefault(file, source)
            file.write_text(change.of(source))
        return kept


def auth(test: str, name: str, old: str, new: str) -> Guard:
    return Guard(test, (Change(f"app/auth/{name}.py", old, new),))


def accounts(test: str, *changes: tuple[str, str, str]) -> Guard:
    return Guard(test, tuple(Change(f"app/accounts/{name}.py", old, new) for name, old, new in changes))


TOKENS = {
    "signature": auth(f"{FORGED}[changed claims]", "jwt", '"verify_sub": True', '"verify_signature": False'),
    "kind of token": auth(f"{FORGED}[a token of another kind]", "jwt", "if self.accepted.kind is not None", "if False"),
    "key by its id": auth(
        f"{FORGED}[an unknown kid]", "signing", 'self._by_kid.get((kid or "", algorithm))', "self.signer.public"
    ),
    "issuer": auth(f"{FORGED}[another issuer]", "jwt", "issuer=self.accepted.issuer,", ""),
    "audience": auth(
        f"{FORGED}[another service of this issuer]",
        "jwt",
        "if not self.accepted.audiences & audiences_of(claims, name):",
        "if False:",
    ),
    "only the own audience": auth(
        f"{FORGED}[another service of this issuer]", "provider", "audiences[:1]", "audiences"
    ),
    "expiry": auth(f"{FORGED}[an expired one]", "jwt", '"verify_sub": True', '"verify_exp": False'),
    "required claims": auth(f"{FORGED}[no exp]", "jwt", '"require": list(CLAIMS), ', ""),
    "size of a token": auth(f"{FORGED}[an oversized one]", "jwt", "if len(header) > MAX_TOKEN_BYTES:", "if False:"),
    "no development key": auth(KEYS, "account_settings", "elif self.key_ring.is_development:", "elif False:"),
    "encrypted issuer": auth(KEYS, "account_settings", 'elif self.issuer.startswith("http://"):', "elif False:"),
    "scope of a route": Guard(
        "tests/integration/test_auth_matrix.py",
        (Change("app/core/security.py", "if not self.scopes <= identity.scopes:", "if False:"),),
    ),
    "denied scopes": auth(LOGIN, "roles", " and not _fits(scope, self.denied)", ""),
    "unknown roles": auth(
        LOGIN,
        "roles",
        "ROLES[name] for name in roles if name in ROLES",
        'ROLES.get(name, ROLES["admin"]) for name in roles',
    ),
}

LOG_IN = {
    "password": accounts(LOGIN, ("login", " or not is_right", "")),
    "is_active": accounts(
        LOGIN,
        ("login", 'user["is_active"] and user["is_verified"]', 'user["is_verified"]'),
        ("login", ' or not current["is_active"]', ""),
    ),
    "is_verified": accounts(MAIL, ("login", 'user["is_active"] and user["is_verified"]', 'user["is_active"]')),
    "change of the password under way": accounts(ATTACKS, ("login", ' or current["password_hash"] != stored', "")),
    "deactivation under way": accounts(ATTACKS, ("login", "queries.LOCK_USER", "queries.USER_BY_ID")),
    "hash upgrade": accounts(LOGIN, ("login", "if accounts.passwords.needs_rehash(stored)", "if False")),
    "bounded pool": accounts(LOGIN, ("passwords", "if self._pending >= self._limit:", "if False:")),
    "only checked attempts count": accounts(ATTACKS, ("login", "accounts.passwords.require_room()", "pass")),
    "normal form": accounts(LOGIN, ("passwords", 'unicodedata.normalize("NFC", password)', "password")),
    "case of e-mails": accounts(LOGIN, ("core", "email.casefold()", "email")),
    "no copy of tokens": accounts(LOGIN, ("endpoints/tokens", ", headers=NO_STORE", "")),
    "only the requested scopes": accounts(
        LOGIN, ("sessions", "held & frozenset(requested.split()) if requested else held", "held")
    ),
    "only scopes of the roles": accounts(LOGIN, ("sessions", "held & frozenset(", "frozenset(")),
}

THROTTLING = {
    "delay": accounts(THROTTLE, ("throttle", "if await connection.scalar(_COUNT, values) is None:", "if False:")),
    "growing delay": accounts(THROTTLE, ("throttle", "power(2.0, least(KEPT + 1 - :free, 30))", "1.0")),
    "counter of the address": accounts(
        THROTTLE, ("throttle", "await self._one(connection, key, free, forgiven=FORGIVEN_SECONDS)", "pass")
    ),
    "address is forgiven": accounts(THROTTLE, ("throttle", "forgiven=FORGIVEN_SECONDS", "forgiven=MEMORY_SECONDS")),
    "counter of the account": accounts(
        THROTTLE,
        (
            "throttle",
            'await self._one(connection, self._key("account", account), settings.attempts_per_account)',
            "pass",
        ),
    ),
    "owner is not locked out": accounts(
        THROTTLE,
        (
            "throttle",
            'if not address or await connection.scalar(_KNOWN, {"account": account, "address": address}) is None:',
            "if True:",
        ),
    ),
    "network of IPv6": accounts(
        THROTTLE, ("throttle", "str(ipaddress.ip_network((found, 64), strict=False).network_address)", "str(found)")
    ),
    "right password": accounts(
        THROTTLE, ("login", "await accounts.logins.give_back(connection, account, caller.address)", "pass")
    ),
    "reset": accounts(
        THROTTLE,
        ("registration", 'await accounts.logins.unlock(connection, user["email_folded"], caller.address)', "pass"),
    ),
    "mail": accounts(
        MAIL,
        (
            "core",
            'Throttle(settings, "mail")',
            'Throttle(settings.model_copy(update={"attempts_per_pair": 100}), "mail")',
        ),
    ),
    "bound of the counters": accounts(
        THROTTLE, ("throttle", 'await connection.run(_PURGE, {"memory": float(MEMORY_SECONDS)})', "pass")
    ),
    "proxy": accounts(ATTACKS, ("core", 'address = ""', "pass")),
}

LATER = {
    "pause before work": accounts(BACKGROUND, ("background", "await self._pause()", "pass")),
    "bound of the queue": accounts(
        MAIL, ("background", "if len(self._waiting) >= LIMIT:\n            raise", "if False:\n            raise")
    ),
    "end of the queue": accounts(BACKGROUND, ("background", "await self._finish(STOP_SECONDS)", "pass")),
}

SESSION = {
    "reuse": accounts(
        SESSIONS,
        ("sessions", 'elif not (session["is_recent"] and await _is_unused(connection, following)):', "elif False:"),
    ),
    "reuse ends the session": accounts(
        SESSIONS,
        (
            "sessions",
            f"{REVOKE}\n            return session\n",
            "return session\n",
        ),
    ),
    "grace": accounts(SESSIONS, ("sessions", 'session["is_recent"] and ', "")),
    "grace ends by use": accounts(SESSIONS, ("sessions", " and await _is_unused(connection, following)", "")),
    "open session": accounts(SESSIONS, ("sessions", ' or not session["is_open"]', "")),
    "lifetime": accounts(
        SESSIONS,
        ("queries", "IS NULL AND user_sessions.expires_at > clock_timestamp() AS is_open", "IS NULL AS is_open"),
    ),
    "log-out": accounts(
        SESSIONS,
        (
            "sessions",
            f"{REVOKE}\n        return session",
            "pass\n        return session",
        ),
    ),
    "other sessions end": accounts(SESSIONS, ("users", "await end_sessions(connection, user_id, kept=kept)", "pass")),
    "current password": accounts(
        SESSIONS, ("own", 'if not await accounts.passwords.verify(current, user["password_hash"]):', "if False:")
    ),
    "reset under way": accounts(ATTACKS, ("own", "old=old, ", "")),
    "own sessions": accounts(
        SESSIONS,
        (
            "queries",
            '"WHERE id = :id AND user_id = :user_id AND revoked_at IS NULL"',
            '"WHERE id = :id AND CAST(:user_id AS uuid) IS NOT NULL AND revoked_at IS NULL"',
        ),
    ),
    "session asked of the database": accounts(
        USERS, ("current", " or await connection.scalar(queries.IS_OPEN, values) is None", "")
    ),
    "roles asked of the database": accounts(USERS, ("current", "identity.scopes & held", "identity.scopes")),
    "own account of an active user": accounts(
        USERS,
        (
            "current",
            'if user is None or not user["is_active"]:\n        raise invalid("its user',
            'if user is None:\n        raise invalid("its user',
        ),
    ),
}

MAILED = {
    "single use": accounts(
        MAIL,
        (
            "queries",
            '"DELETE FROM user_mailed_tokens WHERE hash = :hash AND purpose',
            '"SELECT user_id FROM user_mailed_tokens WHERE hash = :hash AND purpose',
        ),
        ("queries", '"AND expires_at > clock_timestamp() RETURNING user_id"', '"AND expires_at > clock_timestamp()"'),
    ),
    "lifetime of a token": accounts(
        MAIL,
        ("queries", '"AND expires_at > clock_timestamp() RETURNING user_id"', '"RETURNING user_id"'),
        ("queries", "AND user_mailed_tokens.expires_at > clock_timestamp() AND users", "AND users"),
    ),
    "purpose of a token": accounts(
        MAIL,
        (
            "queries",
            'hash = :hash AND purpose = ANY(CAST(:purposes AS text[])) "\n    "AND expires',
            'hash = :hash AND CAST(:purposes AS text[]) IS NOT NULL "\n    "AND expires',
        ),
        (
            "queries",
            "user_mailed_tokens.purpose = ANY(CAST(:purposes AS text[]))",
            "CAST(:purposes AS text[]) IS NOT NULL",
        ),
    ),
    "only the newest token": accounts(
        MAIL,
        ("users", 'await connection.run(queries.DROP_MAILED, {"user_id": user_id, "purposes": [purpose]})', "pass"),
    ),
    "password of the registration": accounts(
        ATTACKS,
        ("registration", 'if not await accounts.passwords.verify(password, owner["password_hash"]):', "if False:"),
    ),
    "strong passwords": accounts(
        MAIL, ("passwords", "if await self._run(lambda: _is_common(text, words)):", "if False:")
    ),
    "closed registration": accounts(
        MAIL, ("registration", 'if accounts.settings.registration != "open":', "if False:")
    ),
    "no mail in the output": accounts(ATTACKS, ("mail", "if settings.is_development else", "if True else")),
    "former e-mail": accounts(
        ATTACKS,
        (
            "administration",
            'await connection.run(queries.DROP_MAILED_TO_OTHERS, {"user_id": id, "folded": folded})',
            "pass",
        ),
    ),
}

ADMINISTRATION = {
    "changed e-mail": accounts(USERS, ("administration", '{"is_verified": False} if self._is_moved else {}', "{}")),
    "last administrator": accounts(
        USERS, ("users", "if await connection.scalar(queries.IS_LAST_OF_ROLES, values) is not None:", "if False:")
    ),
    "roles of the table": accounts(USERS, ("administration", 'users.require_roles(values["roles"])', "pass")),
    "deleted user": accounts(
        USERS,
        (
            "administration",
            '(self.columns.id == bindparam("id_")) & self.columns.deleted_at.is_(None)',
            'self.columns.id == bindparam("id_")',
        ),
    ),
    "deleted user in lists": accounts(
        USERS, ("administration", "self.columns.deleted_at.is_(None) if", "self.columns.id.is_not(None) if")
    ),
    "secret columns": accounts(
        USERS, ("administration", 'frozenset({"password_hash", "email_folded", "deleted_at"})', "frozenset[str]()")
    ),
    "sessions of a deactivated user": accounts(
        USERS,
        ("administration", 'if not row["is_active"]:', "if False:"),
        ("sessions", 'if user is None or not user["is_active"]:', "if user is None:"),
    ),
}

GUARDS: Mapping[str, Guard] = {
    f"{kind}: {name}": guard
    for kind, guards in {
        "tokens": TOKENS,
        "log-in": LOG_IN,
        "throttling": THROTTLING,
        "after the answer": LATER,
        "sessions": SESSION,
        "mailed tokens": MAILED,
        "administration": ADMINISTRATION,
    }.items()
    for name, guard in guards.items()
}
