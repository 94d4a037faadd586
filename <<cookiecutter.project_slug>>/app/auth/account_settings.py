"""Settings ACCOUNTS_* and SMTP_*: keys, tokens, registration, passwords, throttling and mail of the service's users."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from app.auth.signing import DEVELOPMENT_KEY, KeyRing
from app.core.config import load
from app.settings.base import SERVICE, EnvironmentSettings

DEVELOPMENT_ISSUER = "urn:development"
DEVELOPMENT_AUDIENCE: str = SERVICE.get("name", "service")

Names = Annotated[tuple[str, ...], NoDecode]


class AccountSettings(EnvironmentSettings):
    """ACCOUNTS_*. Key, issuer and audience are required outside development."""

    model_config = SettingsConfigDict(env_prefix="ACCOUNTS_")

    key: SecretStr | None = None
    issuer: str | None = None
    audience: Names = ()
    scopes: Names = ()
    access_seconds: int = Field(900, ge=60, le=3600)
    refresh_seconds: int = Field(30 * 86_400, ge=300, le=365 * 86_400)
    grace_seconds: int = Field(10, ge=0, le=60)
    check_database: bool = False

    registration: Literal["open", "invited", "closed"] = "invited"
    default_role: str = "member"
    link_url: str | None = None
    verify_seconds: int = Field(86_400, ge=300, le=7 * 86_400)
    reset_seconds: int = Field(1800, ge=300, le=86_400)

    hash_threads: int = Field(2, ge=1, le=64)
    hash_queue: int = Field(64, ge=1, le=10_000)
    hash_memory_kib: int = Field(19_456, ge=19_456, le=1_048_576)
    hash_passes: int = Field(2, ge=2, le=20)

    attempts_per_pair: int = Field(5, ge=1, le=100)
    attempts_per_address: int = Field(30, ge=1, le=100_000)
    attempts_per_account: int = Field(50, ge=1, le=100_000)
    delay_seconds: int = Field(900, ge=1, le=86_400)

    @field_validator("audience", "scopes", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        """Names separated by commas."""
        return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value

    @field_validator("key")
    @classmethod
    def _readable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            KeyRing(value.get_secret_value())
        return value

    @field_validator("issuer", "link_url")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://")):
            raise ValueError("invalid URL; it must start with https://")
        return value.rstrip("/") if value else value

    @property
    def issued_by(self) -> str:
        return self.issuer or DEVELOPMENT_ISSUER

    @property
    def audiences(self) -> tuple[str, ...]:
        """Return the `aud` of the tokens. The first one is this service, the others accept its tokens too."""
        return self.audience or (DEVELOPMENT_AUDIENCE,)

    @property
    def key_ring(self) -> KeyRing:
        return KeyRing(self.key.get_secret_value() if self.key else DEVELOPMENT_KEY)

    def refusals(self) -> list[str]:
        found = []
        if self.key is None:
            found.append("ACCOUNTS_KEY is not set; set it to the output of `python3 tasks.py keys.new`")
        elif self.key_ring.is_development:
            found.append("ACCOUNTS_KEY is the development key, which is public; set the output of `keys.new`")
        if not self.issuer:
            found.append("ACCOUNTS_ISSUER is not set; set it to the https:// address of this service")
        elif self.issuer.startswith("http://"):
            found.append("ACCOUNTS_ISSUER is not encrypted; use an https:// URL")
        if not self.audience:
            found.append("ACCOUNTS_AUDIENCE is not set; set it to the name of this service in `aud` of its tokens")
        return found


def load_settings() -> AccountSettings:
    """Return this process's settings. Raises ConfigurationError."""
    settings = load(AccountSettings)[0]
    assert isinstance(settings, AccountSettings)  # noqa: S101 - for the type checker
    return settings


class MailSettings(EnvironmentSettings):
    """SMTP_*. Without a host, mail is printed in development and refused elsewhere."""

    model_config = SettingsConfigDict(env_prefix="SMTP_")

    host: str | None = None
    port: int = Field(587, ge=1, le=65535)
    username: str | None = None
    password: SecretStr | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: str = "no-reply@localhost"
    timeout_seconds: float = Field(10.0, gt=0, le=120)
