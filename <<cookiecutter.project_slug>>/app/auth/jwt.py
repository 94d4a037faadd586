"""Verification of tokens (RFC 7519, RFC 8725): the settings decide what is accepted, never the token.

PyJWT and cryptography are imported when the first token is verified, which saves 70 ms of the start.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from app.auth.claims import Claims, MalformedClaim, audiences_of, find_claim
from app.auth.jwk import Key
from app.auth.jwks import KeySet
from app.auth.settings import DEVELOPMENT_ISSUER, DEVELOPMENT_KEY, JwtSettings, load_key
from app.core.exceptions import Unauthorized

if TYPE_CHECKING:
    import httpx2

LEEWAY_SECONDS = 30
MAX_TOKEN_BYTES = 8192
CLAIMS = ("exp", "iat", "iss", "sub")
_FORM = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)")


@dataclass(frozen=True)
class Identity:
    """A verified caller. `expires` is in seconds since the epoch."""

    subject: str
    scopes: frozenset[str]
    expires: float


class FixedKey:
    """The one key of JWT_KEY, or the development key; it never changes."""

    trusted_until = float("inf")

    def __init__(self, key: Key) -> None:
        self._key = key

    async def get(self, kid: str | None, algorithm: str) -> Key:
        return self._key

    async def refresh_if_due(self) -> None: ...


def invalid(reason: str) -> Unauthorized:
    challenge = f'Bearer error="invalid_token", error_description="{reason}"'
    return Unauthorized(f"Invalid token: {reason}.", code="token_invalid", headers={"WWW-Authenticate": challenge})


class Verifier:
    """Turns an Authorization header into an Identity.

    Raises Unauthorized for an invalid token, Unavailable while the provider's keys cannot be fetched.
    """

    def __init__(
        self,
        settings: JwtSettings,
        *,
        cache_size: int = 10_000,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.settings = settings
        self.algorithms = list(settings.accepted)
        self.issuer = settings.issuer or DEVELOPMENT_ISSUER
        self.audiences = frozenset(settings.accepted_audiences)
        self.scope_rules = settings.scope_rules
        self.cache_size = cache_size
        self.keys = self._keys(transport)
        self._verified: dict[bytes, Identity] = {}

    def _keys(self, transport: httpx2.AsyncBaseTransport | None) -> KeySet | FixedKey:
        settings = self.settings
        if settings.jwks_url is None:
            secret = settings.key.get_secret_value() if settings.key else DEVELOPMENT_KEY
            return FixedKey(load_key(secret, settings.accepted))
        return KeySet(
            settings.jwks_url,
            self.algorithms,
            fresh=settings.jwks_fresh_seconds,
            stale=settings.jwks_stale_seconds,
            on_withdrawal=self._forget,
            transport=transport,
        )

    def remembered(self, header: bytes) -> Identity | None:
        """Return the identity of a header that was verified before, while it has not expired and the keys are trusted.

        Every request passes here: one look-up, two comparisons.
        """
        identity = self._verified.get(header)
        if identity is not None and identity.expires > time.time() and monotonic() < self.keys.trusted_until:
            return identity
        return None

    async def verify(self, header: bytes) -> Identity:
        identity = self._verified.get(header)
        if identity is not None and identity.expires > time.time():
            await self.keys.refresh_if_due()
            if header in self._verified:  # no key was withdrawn: the signature is still valid
                return identity
        if len(header) > MAX_TOKEN_BYTES:
            raise invalid(f"it is larger than {MAX_TOKEN_BYTES} bytes")
        form = _FORM.fullmatch(header)
        if form is None:
            raise invalid("the header is not `Bearer` and a JWT")
        token = form[1].decode("ascii")
        identity = self._check(token, await self._key_for(token))
        self._remember(header, identity)
        return identity

    async def _key_for(self, token: str) -> Key:
        import jwt

        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            raise invalid("it is not a JWT") from None
        # `jku`, `x5u`, `jwk` and `x5c` would let the token choose its own key (RFC 8725, 3.10): they are ignored.
        if header.get("alg") not in self.algorithms:
            raise invalid("its algorithm is not accepted")
        if "crit" in header:
            raise invalid("critical extensions are not supported")
        kid = header.get("kid")
        if kid is not None and (not isinstance(kid, str) or len(kid) > 256):
            raise invalid("its kid is malformed")
        key = await self.keys.get(kid, header["alg"])
        if key is None:
            raise invalid("its signing key is unknown")
        return key

    def _check(self, token: str, key: Key) -> Identity:
        import jwt

        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=self.algorithms,
                issuer=self.issuer,
                leeway=LEEWAY_SECONDS,
                # The audience is checked below: not every provider has it in `aud`.
                options={"require": list(CLAIMS), "verify_sub": True, "verify_aud": False},
            )
        except jwt.ExpiredSignatureError:
            raise invalid("it has expired") from None
        except jwt.ImmatureSignatureError:
            raise invalid("it is not valid yet") from None
        except jwt.InvalidIssuerError:
            raise invalid("its issuer is not accepted") from None
        except jwt.MissingRequiredClaimError as error:
            raise invalid(f"the claim {error.claim} is missing") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise invalid("its signature or a claim is wrong") from None
        try:
            self._check_audience(claims)
            return _identity(claims, self.scope_rules.scopes_of(claims))
        except MalformedClaim as error:
            raise invalid(f"the claim {error} is malformed") from None

    def _check_audience(self, claims: Claims) -> None:
        name = self.settings.audience_claim
        if find_claim(claims, name) is None:
            raise invalid(f"the claim {name} is missing")
        if not self.audiences & audiences_of(claims, name):
            raise invalid("it is for another audience")

    def _forget(self) -> None:
        """Forget all verified tokens after a key was withdrawn: each is verified again."""
        self._verified.clear()

    def _remember(self, header: bytes, identity: Identity) -> None:
        if len(self._verified) >= self.cache_size:
            now = time.time()
            self._verified = {key: value for key, value in self._verified.items() if value.expires > now}
        while len(self._verified) >= self.cache_size:
            del self._verified[next(iter(self._verified))]
        self._verified[header] = identity


def _identity(claims: Claims, scopes: frozenset[str]) -> Identity:
    subject, issuer, expires = claims["sub"], claims["iss"], claims["exp"]
    if not isinstance(issuer, str) or not isinstance(subject, str) or not 0 < len(subject) <= 255 or "\0" in subject:
        raise invalid("its sub or iss is malformed")
    if isinstance(expires, bool) or not isinstance(expires, (int, float)):
        raise invalid("its exp is malformed")
    return Identity(subject, scopes, float(expires))
