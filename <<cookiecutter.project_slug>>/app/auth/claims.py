"""Audience and scopes of a token: identity providers differ in where they put them and how they spell them.

docs/identity-providers.md has the settings for the usual providers. Everything here is pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Claims = Mapping[str, object]


class MalformedClaim(ValueError):
    """A claim does not have the expected type; the message names the claim."""


def find_claim(claims: Claims, path: str) -> object | None:
    """Return the claim at a path such as `realm_access.roles`; None when it is missing.

    A name may contain dots itself (`https://example.com/roles`, a Keycloak client called `my.shop`), so the path is not
    split: each name is compared with its beginning.
    """
    if path in claims:
        return claims[path]
    for name, inner in claims.items():
        if isinstance(inner, Mapping) and path.startswith(f"{name}."):
            found = find_claim(inner, path[len(name) + 1 :])
            if found is not None:
                return found
    return None


def words(claims: Claims, path: str) -> list[str]:
    """Return the values of a claim that is a list of strings, or one string of words (RFC 9068, 2.2.3).

    Raises MalformedClaim for any other type.
    """
    value = find_claim(claims, path)
    if value is None:
        return []
    if isinstance(value, str):
        return value.split()
    if isinstance(value, list):
        texts = [item for item in value if isinstance(item, str)]
        if len(texts) == len(value):
            return texts
    raise MalformedClaim(path)


@dataclass(frozen=True)
class ScopeRules:
    """Mapping from a provider's scopes, roles or groups to the scopes of this service, such as `products:read`.

    `claims` are read in order and combined. With a `prefix`, only values that begin with it count, and it is removed.
    The last `separator` of a value stands for the colon, in `orders.read.all` the last two: `products.read`,
    `products/read`. `roles` maps a value to scopes.
    """

    claims: tuple[str, ...] = ("scope", "scp")
    prefix: str = ""
    separator: str = ":"
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def scopes_of(self, claims: Claims) -> frozenset[str]:
        """Raises MalformedClaim."""
        found: set[str] = set()
        for path in self.claims:
            for value in words(claims, path):
                if value.startswith(self.prefix):
                    found.update(self._scopes(value[len(self.prefix) :]))
        return frozenset(found)

    def spelt(self, scope: str) -> str:
        """Return a scope of this service as the provider spells it."""
        return self.prefix + self.separator.join(scope.rsplit(":", _separators(scope, ":")))

    def _scopes(self, value: str) -> tuple[str, ...]:
        return self.roles.get(value) or (":".join(value.rsplit(self.separator, _separators(value, self.separator))),)


def _separators(scope: str, separator: str) -> int:
    """Return the number of separators: `orders:read:all` has two."""
    return 2 if scope.endswith(f"{separator}read{separator}all") else 1


def audiences_of(claims: Claims, path: str) -> frozenset[str]:
    """Return the values of the audience claim: one string or several (RFC 7519, 4.1.3). Raises MalformedClaim."""
    value = find_claim(claims, path)
    return frozenset({value}) if isinstance(value, str) else frozenset(words(claims, path))
