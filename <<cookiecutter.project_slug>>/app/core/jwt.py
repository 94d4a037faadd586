"""Verification of tokens (RFC 7519, RFC 8725): what is accepted is configured, never read from the token.

PyJWT and the cryptography under it are imported by the first token that is verified, not by the start: 70 ms of it.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from app.core.config import SERVICE, EnvironmentSettings
from app.core.exceptions import Unauthorized
from app.core.jwks import MIN_RSA_BITS, KeySet, is_short_rsa

LEEWAY_SECONDS = 30
MAX_TOKEN_BYTES = 8192
CLAIMS = ("exp", "iat", "iss", "aud", "sub")
ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
SYMMETRIC = ("HS256", "HS384", "HS512")
MIN_SECRET_BYTES = 32
# Known to everybody: it opens services on developers' machines, and settings refuse it elsewhere.
DEVELOPMENT_KEY = "development-only-key-that-everybody-knows"
DEVELOPMENT_ISSUER = "urn:development"
_FORM = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)")


class JwtSettings(EnvironmentSettings):
    """JWT_*: where keys come from, and what a token must say. One of JWT_JWKS_URL and JWT_KEY outside development."""

    model_config = SettingsConfigDict(env_prefix="JWT_")

    algorithms: Annotated[tuple[str, ...], NoDecode] = ()
    jwks_url: str | None = None
    key: SecretStr | None = None
    issuer: str | None = None
    audience: str = SERVICE.get("name", "service")

    @field_validator("algorithms", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        names = tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value
        for name in names if isinstance(names, (tuple, list)) else ():
            if name not in ASYMMETRIC + SYMMETRIC:
                raise ValueError(
                    f"{name} is no algorithm that is taken; it is one of {', '.join(ASYMMETRIC + SYMMETRIC)}"
                )
        return names

    @field_validator("jwks_url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://")):
            raise ValueError("wants an https:// URL")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> JwtSettings:
        if self.jwks_url and self.key:
            raise ValueError("JWT_KEY and JWT_JWKS_URL are both set; set the one that applies")
        symmetric = [name for name in self.accepted if name in SYMMETRIC]
        if symmetric and len(symmetric) != len(self.accepted):
            # With both, a public key passes for a shared secret (RFC 8725, 2.1).
            raise ValueError("JWT_ALGORITHMS mixes HS with asymmetric algorithms; name one kind")
        if symmetric and self.jwks_url:
            raise ValueError("JWT_ALGORITHMS has HS, but JWT_JWKS_URL gives public keys")
        if self.key is not None:
            load_key(self.key.get_secret_value(), self.accepted)
        return self

    @property
    def accepted(self) -> tuple[str, ...]:
        """The algorithms: those that are set, else the usual one for the kind of key at hand."""
        return self.algorithms or (("HS256",) if self.uses_development_key else ("RS256",))

    @property
    def uses_development_key(self) -> bool:
        return self.key is None and self.jwks_url is None

    def refusals(self) -> list[str]:
        found = []
        if self.uses_development_key:
            found.append("JWT_JWKS_URL is not set (nor JWT_KEY, for a key that never changes)")
        if self.key is not None and self.key.get_secret_value() == DEVELOPMENT_KEY:
            found.append("JWT_KEY is the development key, which everybody knows")
        if not self.issuer:
            found.append("JWT_ISSUER is not set: the `iss` of the identity provider's tokens")
        if "audience" not in self.model_fields_set:
            found.append("JWT_AUDIENCE is not set: the `aud` that tokens for this service carry")
        if self.jwks_url and self.jwks_url.startswith("http://"):
            found.append("JWT_JWKS_URL is not https")
        return found


@dataclass(frozen=True)
class Identity:
    """A verified caller. `expires` is in seconds since the epoch."""

    subject: str
    scopes: frozenset[str]
    expires: float


def load_key(key: str, accepted: tuple[str, ...]) -> Any:
    """The key in the form that its algorithms take. Raises ValueError for one that is too weak or of another kind."""
    if accepted[0] in SYMMETRIC:
        if "-----BEGIN" in key:
            raise ValueError("JWT_KEY is a public key, but JWT_ALGORITHMS wants a shared secret")
        if len(key.encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"JWT_KEY is shorter than {MIN_SECRET_BYTES} bytes")
        return key
    import jwt

    try:
        loaded = jwt.algorithms.get_default_algorithms()[accepted[0]].prepare_key(key)
    except (ValueError, TypeError, jwt.InvalidKeyError):
        raise ValueError(f"JWT_KEY is no public key in PEM for {accepted[0]}") from None
    if is_short_rsa(loaded, accepted[0]):
        raise ValueError(f"JWT_KEY is an RSA key of less than {MIN_RSA_BITS} bits")
    return loaded


def invalid(reason: str) -> Unauthorized:
    challenge = f'Bearer error="invalid_token", error_description="{reason}"'
    return Unauthorized(
        f"The token is not accepted: {reason}.", code="token_invalid", headers={"WWW-Authenticate": challenge}
    )


class Verifier:
    """Turns an Authorization header into an Identity. Raises Unauthorized; Unavailable when no key can be had."""

    def __init__(self, settings: JwtSettings, *, cache_size: int = 10_000) -> None:
        self.settings = settings
        self.algorithms = list(settings.accepted)
        self.issuer = settings.issuer or DEVELOPMENT_ISSUER
        self.cache_size = cache_size
        self.keys = KeySet(settings.jwks_url, self.algorithms) if settings.jwks_url else None
        secret = settings.key.get_secret_value() if settings.key else DEVELOPMENT_KEY
        self._key = None if self.keys else load_key(secret, settings.accepted)
        self._verified: dict[bytes, Identity] = {}

    def remembered(self, header: bytes) -> Identity | None:
        """The identity of a header that was verified before and has not expired."""
        identity = self._verified.get(header)
        if identity is not None and identity.expires > time.time():
            return identity
        return None

    async def verify(self, header: bytes) -> Identity:
        if len(header) > MAX_TOKEN_BYTES:
            raise invalid(f"it is larger than {MAX_TOKEN_BYTES} bytes")
        form = _FORM.fullmatch(header)
        if form is None:
            raise invalid("it is no bearer token in the form of a JWT")
        identity = self._check(form[1].decode("ascii"), await self._key_for(form[1].decode("ascii")))
        self._remember(header, identity)
        return identity

    async def _key_for(self, token: str) -> Any:
        import jwt

        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            raise invalid("it cannot be read") from None
        # `jku`, `x5u`, `jwk` and `x5c` would let the token choose its own key (RFC 8725, 3.10): they are not looked at.
        if header.get("alg") not in self.algorithms:
            raise invalid("its algorithm is not taken here")
        if "crit" in header:
            raise invalid("it has critical extensions")
        if self.keys is None:
            return self._key
        kid = header.get("kid")
        if kid is not None and (not isinstance(kid, str) or len(kid) > 256):
            raise invalid("its kid is malformed")
        key = await self.keys.get(kid, header["alg"])
        if key is None:
            raise invalid("its key is unknown")
        return key

    def _check(self, token: str, key: Any) -> Identity:
        import jwt

        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=self.algorithms,
                audience=self.settings.audience,
                issuer=self.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": list(CLAIMS), "verify_sub": True},
            )
        except jwt.ExpiredSignatureError:
            raise invalid("it has expired") from None
        except jwt.ImmatureSignatureError:
            raise invalid("it is not valid yet") from None
        except jwt.InvalidAudienceError:
            raise invalid("it is for another audience") from None
        except jwt.InvalidIssuerError:
            raise invalid("it is of another issuer") from None
        except jwt.MissingRequiredClaimError as error:
            raise invalid(f"it has no {error.claim}") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise invalid("its signature or a claim is wrong") from None
        return _identity(claims)

    def _remember(self, header: bytes, identity: Identity) -> None:
        if len(self._verified) >= self.cache_size:
            now = time.time()
            self._verified = {key: value for key, value in self._verified.items() if value.expires > now}
        while len(self._verified) >= self.cache_size:
            del self._verified[next(iter(self._verified))]
        self._verified[header] = identity


def _identity(claims: dict[str, Any]) -> Identity:
    subject, issuer, expires = claims["sub"], claims["iss"], claims["exp"]
    if not isinstance(issuer, str) or not isinstance(subject, str) or not 0 < len(subject) <= 255 or "\0" in subject:
        raise invalid("its sub or iss is malformed")
    if isinstance(expires, bool) or not isinstance(expires, (int, float)):
        raise invalid("its exp is malformed")
    return Identity(subject, frozenset(_scopes(claims)), float(expires))


def _scopes(claims: dict[str, Any]) -> list[str]:
    """`scope` (RFC 9068: words in one string), or `scp` (a list or a string, as some providers have it)."""
    given = claims.get("scope", claims.get("scp", ""))
    if isinstance(given, str):
        return given.split()
    if isinstance(given, list) and all(isinstance(scope, str) for scope in given):
        return given
    raise invalid("its scopes are malformed")
