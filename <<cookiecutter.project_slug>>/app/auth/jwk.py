"""Public keys of an identity provider (RFC 7517), parsed into the objects that PyJWT verifies with."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

import orjson

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from jwt.algorithms import AllowedPublicKeys

MAX_KEYS = 64
MIN_RSA_BITS = 2048  # RFC 7518, 3.3 and 3.5

# Keys as PyJWT takes them; a shared secret is text.
Key: TypeAlias = "AllowedPublicKeys | str"
# By key id (None: the key has none) and algorithm.
Keys = dict[tuple[str | None, str], Key]


class NoKeys(ValueError):
    """A key set without a usable key: the provider has withdrawn all of them."""


def parse_keys(body: bytes, algorithms: list[str]) -> Keys:
    """Return the keys by kid and algorithm; others are left out. Raises NoKeys when none is left."""
    import jwt

    keys: Keys = {}
    for entry in orjson.loads(body)["keys"][:MAX_KEYS]:
        if entry.get("use", "sig") != "sig" or entry.get("kty") == "oct":
            continue
        for algorithm in [entry["alg"]] if entry.get("alg") else algorithms:
            if algorithm not in algorithms:
                continue
            try:
                key = jwt.PyJWK.from_dict(entry, algorithm).key
            except jwt.PyJWTError:
                continue  # a key of another type: RSA for an ES algorithm
            if not is_short_rsa(key, algorithm):
                keys[(entry.get("kid"), algorithm)] = key
    if not keys:
        raise NoKeys(f"no signing key for {', '.join(algorithms)}")
    return keys


def is_short_rsa(key: Key, algorithm: str) -> bool:
    """Return True for a key short enough to be broken, and so to forge the provider's signature."""
    return algorithm[:2] in ("RS", "PS") and cast("RSAPublicKey", key).key_size < MIN_RSA_BITS
