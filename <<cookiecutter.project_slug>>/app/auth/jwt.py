"""Verification of tokens (RFC 7519, RFC 8725): the settings decide what is accepted, never the token.

PyJWT and cryptography are imported when the first token is verified, which saves 70 ms of the start.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from app.auth.claims import Claims, MalformedClaim, ScopeRules, audiences_of, find_claim
from app.auth.jwk import Key
from app.core.exceptions import Unauthorized

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


class KeySource(Protocol):
    """The keys that tokens are signed with. Until `trusted_until` (monotonic clock) none of them was withdrawn."""

    @property
    def trusted_until(self) -> float: ...
    async def get(self, kid: str | None, algorithm: str) -> Key | None: ...
    async def refresh_if_due(self) -> None: ...


@dataclass(frozen=True)
class Accepted:
    """Conditions on a token. `audience_claim` holds its audiences; with a `kind`, its header must have that `typ`."""

    algorithms: tuple[str, ...]
    issuer: str
    audiences: frozenset[str]
    audience_claim: str = "aud"
    scope_rules: ScopeRules = field(default_factory=ScopeRules)
    kind: str | None = None


def invalid(reason: str) -> Unauthorized:
    challenge = f'Bearer error="invalid_token", error_description="{reason}"'
    return Unauthorized(f"Invalid token: {reason}.", code="token_invalid", headers={"WWW-Authenticate": challenge})


class Verifier:
    """Turns an Authorization header into an Identity.

    Raises Unauthorized for an invalid token, Unavailable while the provider's keys cannot be fetched.
    """

    def __init__(self, accepted: Accepted, keys: KeySource, *, cache_size: int = 10_000) -> None:
        self.accepted = accepted
        self.keys = keys
        self.cache_size = cache_size
        self._verified: dict[bytes, Identity] = {}

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
        if header.get("alg") not in self.accepted.algorithms:
            raise invalid("its algorithm is not accepted")
        if self.accepted.kind is not None and header.get("typ") != self.accepted.kind:
            raise invalid(f"its typ is not {self.accepted.kind}")
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
                algorithms=list(self.accepted.algorithms),
                issuer=self.accepted.issuer,
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
            return _identity(claims, self.accepted.scope_rules.scopes_of(claims))
        except MalformedClaim as error:
            raise invalid(f"the claim {error} is malformed") from None

    def _check_audience(self, claims: Claims) -> None:
        name = self.accepted.audience_claim
        if find_claim(claims, name) is None:
            raise invalid(f"the claim {name} is missing")
        if not self.accepted.audiences & audiences_of(claims, name):
            raise invalid("it is for another audience")

    def forget(self) -> None:
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
