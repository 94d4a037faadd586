"""Settings JWT_*: the source of the signing keys, and the claims that a token must have."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from app.auth.claims import ScopeRules
from app.auth.jwk import MIN_RSA_BITS, Key, is_short_rsa
from app.settings.base import SERVICE, EnvironmentSettings

ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
SYMMETRIC = ("HS256", "HS384", "HS512")
MIN_SECRET_BYTES = 32
# Public: accepted on developers' machines only, refused in staging and production.
DEVELOPMENT_KEY = "development-only-key-that-everybody-knows"
DEVELOPMENT_ISSUER = "urn:development"
DEVELOPMENT_AUDIENCE: str = SERVICE.get("name", "service")

Names = Annotated[tuple[str, ...], NoDecode]
Roles = Annotated[tuple[tuple[str, tuple[str, ...]], ...], NoDecode]


class JwtSettings(EnvironmentSettings):
    """JWT_*. One of JWT_JWKS_URL and JWT_KEY is required outside development, and so are issuer and audience."""

    model_config = SettingsConfigDict(env_prefix="JWT_")

    algorithms: Names = ()
    jwks_url: str | None = None
    jwks_fresh_seconds: float = Field(300.0, ge=1, le=86_400)
    jwks_stale_seconds: float = Field(3600.0, ge=1, le=604_800)
    key: SecretStr | None = None
    issuer: str | None = None
    audience: Names = ()
    audience_claim: str = "aud"
    scope_claims: Names = ("scope", "scp")
    scope_prefix: str | None = None
    scope_separator: str = ":"
    role_scopes: Roles = ()

    @field_validator("algorithms", "audience", "scope_claims", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        """Names separated by commas."""
        return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value

    @field_validator("algorithms")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in ASYMMETRIC + SYMMETRIC:
                raise ValueError(f"unsupported algorithm {name}; use one of {', '.join(ASYMMETRIC + SYMMETRIC)}")
        return value

    @field_validator("role_scopes", mode="before")
    @classmethod
    def _roles(cls, value: object) -> object:
        """`role=scope scope; role=scope`. A role may contain `=` (cn=admins), a scope may not."""
        if not isinstance(value, str):
            return value
        roles = []
        for entry in filter(None, (entry.strip() for entry in value.split(";"))):
            role, sign, scopes = entry.rpartition("=")
            if not (sign and role.strip() and scopes.split()):
                raise ValueError(f"invalid entry {entry!r}; write role=scope scope; role=scope")
            roles.append((role.strip(), tuple(scopes.split())))
        return tuple(roles)

    @field_validator("jwks_url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://")):
            raise ValueError("invalid URL; it must start with https://")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> JwtSettings:
        if self.jwks_url and self.key:
            raise ValueError("JWT_KEY and JWT_JWKS_URL are both set; set only one of them")
        if self.jwks_stale_seconds < self.jwks_fresh_seconds:
            raise ValueError("JWT_JWKS_STALE_SECONDS is less than JWT_JWKS_FRESH_SECONDS; it must be at least as long")
        symmetric = [name for name in self.accepted if name in SYMMETRIC]
        if symmetric and len(symmetric) != len(self.accepted):
            # With both, a public key passes for a shared secret (RFC 8725, 2.1).
            raise ValueError("JWT_ALGORITHMS mixes HS with asymmetric algorithms; use one kind")
        if symmetric and self.jwks_url:
            raise ValueError("JWT_ALGORITHMS has HS, but the keys at JWT_JWKS_URL are public; remove one of the two")
        if self.key is not None:
            load_key(self.key.get_secret_value(), self.accepted)
        return self

    @property
    def accepted(self) -> tuple[str, ...]:
        """Return the accepted algorithms: those set, else the usual one for this kind of key."""
        return self.algorithms or (("HS256",) if self.uses_development_key else ("RS256",))

    @property
    def accepted_audiences(self) -> tuple[str, ...]:
        """Return the accepted audiences. In development the service's own name is the default."""
        return self.audience or (DEVELOPMENT_AUDIENCE,)

    @property
    def scope_rules(self) -> ScopeRules:
        return ScopeRules(self.scope_claims, self.scope_prefix or "", self.scope_separator, dict(self.role_scopes))

    @property
    def uses_development_key(self) -> bool:
        return self.key is None and self.jwks_url is None

    def refusals(self) -> list[str]:
        found = []
        if self.uses_development_key:
            found.append(
                "JWT_JWKS_URL is not set; set it to the URL of the identity provider's key set "
                "(or set JWT_KEY to a public key that never changes)"
            )
        if self.key is not None and self.key.get_secret_value() == DEVELOPMENT_KEY:
            found.append("JWT_KEY is the development key, which is public; set another key, or JWT_JWKS_URL")
        if not self.issuer:
            found.append("JWT_ISSUER is not set; set it to the `iss` of the identity provider's tokens")
        if not self.audience:
            found.append(f"JWT_AUDIENCE is not set; set it to the `{self.audience_claim}` of tokens for this service")
        if self.jwks_url and self.jwks_url.startswith("http://"):
            found.append("JWT_JWKS_URL is not encrypted; use an https:// URL")
        return found


def load_key(key: str, accepted: tuple[str, ...]) -> Key:
    """Return the key in the form that its algorithms take. Raises ValueError for a weak key or the wrong kind."""
    if accepted[0] in SYMMETRIC:
        if "-----BEGIN" in key:
            raise ValueError(f"JWT_KEY is a public key, but {accepted[0]} requires a shared secret; see JWT_ALGORITHMS")
        if len(key.encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"JWT_KEY is shorter than {MIN_SECRET_BYTES} bytes")
        return key
    import jwt

    try:
        loaded = jwt.algorithms.get_default_algorithms()[accepted[0]].prepare_key(key)
    except (ValueError, TypeError, jwt.InvalidKeyError):
        raise ValueError(f"JWT_KEY is not a public key in PEM for {accepted[0]}; see JWT_ALGORITHMS") from None
    if is_short_rsa(loaded, accepted[0]):
        raise ValueError(f"JWT_KEY is an RSA key of less than {MIN_RSA_BITS} bits")
    return loaded
