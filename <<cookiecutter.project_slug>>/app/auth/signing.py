"""The service's own keys: a PEM bundle, whose first private key signs; all are published (RFC 7517).

A rotation has three steps, each deployed before the next: add a new key, sign with it, remove the old one. So at no
moment does an instance see a token of a key that it does not know.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from app.auth.jwk import Key

# Public: accepted on developers' machines only, refused in staging and production.
DEVELOPMENT_KEY = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIGRldmVsb3BtZW50LW9ubHkta2V5LWtub3duLXRvLWFs
-----END PRIVATE KEY-----
"""
KIND = "at+jwt"  # RFC 9068, 2.1
_BLOCK = re.compile(r"-----BEGIN (?P<kind>[A-Z ]+)-----.*?-----END (?P=kind)-----\s*", re.DOTALL)

PrivateKey: TypeAlias = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
PublicKey: TypeAlias = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True)
class SigningKey:
    """A key of the bundle. `private` is None for one that only verifies. `kid` is a hash of its public part."""

    kid: str
    algorithm: str
    public: PublicKey
    private: PrivateKey | None


class KeyRing:
    """The keys of a bundle. Raises ValueError for one without a key that can sign."""

    trusted_until = float("inf")

    def __init__(self, bundle: str) -> None:
        self.keys = tuple(_read(match[0]) for match in _BLOCK.finditer(bundle))
        signing = [key for key in self.keys if key.private is not None]
        if not signing:
            raise ValueError("has no private key in PEM; set the output of `python3 tasks.py keys.new`")
        self.signer = signing[0]
        self._by_kid = {(key.kid, key.algorithm): key.public for key in self.keys}

    @property
    def algorithms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(key.algorithm for key in self.keys))

    @property
    def is_development(self) -> bool:
        return _read(DEVELOPMENT_KEY).kid in {key.kid for key in self.keys}

    async def get(self, kid: str | None, algorithm: str) -> Key | None:
        return self._by_kid.get((kid or "", algorithm))

    async def refresh_if_due(self) -> None: ...

    def sign(self, claims: dict[str, Any]) -> str:
        """Return the claims as a signed access token."""
        import jwt

        assert self.signer.private is not None  # noqa: S101 - for the type checker
        headers = {"kid": self.signer.kid, "typ": KIND}
        return jwt.encode(claims, self.signer.private, algorithm=self.signer.algorithm, headers=headers)

    def published(self) -> dict[str, Any]:
        """Return the key set: public parts only."""
        return {"keys": [{**_jwk(key.public), "kid": key.kid, "use": "sig", "alg": key.algorithm} for key in self.keys]}


def new_key(algorithm: str) -> str:
    """Return a new private key in PEM. Raises ValueError for an algorithm other than EdDSA and ES256."""
    if algorithm == "EdDSA":
        return _pem(ed25519.Ed25519PrivateKey.generate())
    if algorithm == "ES256":
        return _pem(ec.generate_private_key(ec.SECP256R1()))
    raise ValueError(f"unsupported algorithm {algorithm}; use EdDSA or ES256")


def rotated(bundle: str) -> tuple[str, str]:
    """Return the bundle of the next step of a rotation, and the name of that step: added, signing or removed."""
    ring = KeyRing(bundle)
    later = [key for key in ring.keys if key.private is not None and key is not ring.signer]
    if later:
        assert later[0].private is not None  # noqa: S101 - for the type checker
        return _pem(later[0].private) + _public_pem(ring.signer.public), "signing"
    assert ring.signer.private is not None  # noqa: S101 - for the type checker
    if len(ring.keys) > 1:
        return _pem(ring.signer.private), "removed"
    return _pem(ring.signer.private) + new_key(ring.signer.algorithm), "added"


def _read(block: str) -> SigningKey:
    key: object
    try:
        if "PRIVATE KEY" in block:
            key = serialization.load_pem_private_key(block.encode(), None)
        else:
            key = serialization.load_pem_public_key(block.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("has a key that is not readable PEM without a password") from None
    if isinstance(key, (ed25519.Ed25519PrivateKey, ec.EllipticCurvePrivateKey)):
        public: PublicKey = key.public_key()
        return SigningKey(_thumbprint(public), _algorithm(public), public, key)
    if isinstance(key, (ed25519.Ed25519PublicKey, ec.EllipticCurvePublicKey)):
        return SigningKey(_thumbprint(key), _algorithm(key), key, None)
    raise ValueError("has a key that is neither Ed25519 nor EC P-256")


def _algorithm(key: PublicKey) -> str:
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "EdDSA"
    if key.curve.name != "secp256r1":
        raise ValueError("has a key on another curve than P-256")
    return "ES256"


def _jwk(key: PublicKey) -> dict[str, Any]:
    import jwt

    if isinstance(key, ed25519.Ed25519PublicKey):
        members = jwt.algorithms.OKPAlgorithm.to_jwk(key, as_dict=True)
    else:
        members = jwt.algorithms.ECAlgorithm.to_jwk(key, as_dict=True)
    return {name: members[name] for name in ("crv", "kty", "x", "y") if name in members}


def _thumbprint(key: PublicKey) -> str:
    return hashlib.sha256(_public_pem(key).encode()).hexdigest()[:16]


def _pem(key: PrivateKey) -> str:
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, none).decode()


def _public_pem(key: PublicKey) -> str:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
