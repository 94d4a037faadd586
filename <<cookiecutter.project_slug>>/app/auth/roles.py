"""Roles of users, and the scopes that they grant. Edit `ROLES`: it is the only place.

A pattern is a scope with `*` for any text. A role grants every known scope that one of its patterns fits, except those
of `denied`. Known scopes are those of the routes of this service, and those of other services in ACCOUNTS_SCOPES.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Role:
    granted: tuple[str, ...]
    denied: tuple[str, ...] = ()

    def grants(self, scope: str) -> bool:
        return _fits(scope, self.granted) and not _fits(scope, self.denied)


ROLES: Mapping[str, Role] = {
    "admin": Role(granted=("*",)),
    # Everything but the administration of users, and the rows of other owners.
    "member": Role(granted=("*",), denied=("users:*", "*:all")),
}


def scopes_of(roles: Iterable[str], known: Iterable[str]) -> frozenset[str]:
    """Return the scopes among `known` that the roles grant together. An unknown role grants none."""
    held = [ROLES[name] for name in roles if name in ROLES]
    return frozenset(scope for scope in known if any(role.grants(scope) for role in held))


def roles_with(scope: str) -> list[str]:
    """Return the names of the roles that grant `scope`."""
    return [name for name, role in ROLES.items() if role.grants(scope)]


def _fits(scope: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(scope, pattern) for pattern in patterns)
