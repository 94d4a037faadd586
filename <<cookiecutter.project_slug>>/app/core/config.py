"""Settings: what the environment decides. Files in /run/secrets win over the environment, which wins over .env.

`.env` is read on a developer's machine only, and not by tests: they would not be the same elsewhere. In staging and
production the service refuses to start on a default that is known to everybody, and says in one message which
variables to set.
"""

from __future__ import annotations

import os
import tomllib
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import URL

from app.core.database_url import parse_database_url

# A path prefix: no `//`, which would begin another host's address, and nothing that a header could trip over.
PREFIX = r"(/[A-Za-z0-9._~-]+)+"
Environment = Literal["local", "test", "staging", "production"]
Model = TypeVar("Model", bound="EnvironmentSettings")

ROOT = Path(__file__).resolve().parents[2]
SECRETS_DIR = Path("/run/secrets")
# sysexits.h: EX_CONFIG. An orchestrator can tell a wrong setting from a crash.
EXIT_CONFIGURATION = 78
PUBLIC_PASSWORDS = frozenset({"", "postgres", "password", "changeme", "changethis", "secret", "admin", "test"})


class ConfigurationError(Exception):
    """The settings do not allow a start. `problems` names a variable each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(
            "The service cannot start with these settings:\n"
            + "\n".join(f"  {problem}" for problem in problems)
            + "\nSet them in the environment or as files in /run/secrets; .env.example describes each."
        )
        self.problems = problems


class EnvironmentSettings(BaseSettings):
    """The rules that all settings share."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", hide_input_in_errors=True, frozen=True)

    environment: Environment = Field("local", validation_alias="ENVIRONMENT")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, file_secret_settings, env_settings, dotenv_settings

    @property
    def is_development(self) -> bool:
        return self.environment in ("local", "test")

    def refusals(self) -> list[str]:
        """What must not be left as it is in staging and production, a line each."""
        return []


def _service_toml() -> dict[str, Any]:
    path = ROOT / "service.toml"
    return tomllib.loads(path.read_text("utf-8")).get("service", {}) if path.is_file() else {}


SERVICE = _service_toml()


class Settings(EnvironmentSettings):
    project_name: str = SERVICE.get("title", "Service")
    service_name: str = Field(SERVICE.get("name", "service"), validation_alias="OTEL_SERVICE_NAME")
    description: str = SERVICE.get("description", "")
    version: str = SERVICE.get("version", "0.1.0")
    image_digest: str | None = None
    api_v1_str: str = Field("/api/v1", pattern=r"^(/[A-Za-z0-9._-]+)+$")

    host: str | None = None
    port: int = Field(8000, ge=0, le=65535)
    metrics_port: int | None = Field(None, ge=0, le=65535)
    forwarded_allow_ips: str | None = None
    root_path: str | None = Field(None, pattern=rf"^({PREFIX})?$")
    docs_enabled: bool | None = None
    backend_cors_origins: Annotated[list[str], NoDecode] = []
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    drain_seconds: float | None = Field(None, ge=0, le=600)
    graceful_seconds: int = Field(20, ge=1, le=600)

    database_url: SecretStr | None = None
    postgres_server: str = "localhost"
    postgres_port: int = Field(5432, ge=1, le=65535)
    postgres_user: str = "postgres"
    postgres_password: SecretStr = SecretStr("postgres")
    postgres_db: str = SERVICE.get("database", "app")
    # All connections are kept: one beyond the size is closed after use, and to open it again costs ten queries (5 + 5
    # in place of 10 + 0 halved the throughput of eight clients).
    pool_size: int = Field(10, ge=1)
    max_overflow: int = Field(0, ge=0)
    pool_timeout_seconds: float = Field(2.0, gt=0)
    connect_timeout_seconds: float = Field(3.0, gt=0)
    statement_timeout_ms: int = Field(5000, ge=0)
    lock_timeout_ms: int = Field(2000, ge=0)
    migration_wait_seconds: float = Field(60.0, ge=0)
    # The schema that this code needs at least; by default the newest revision in alembic/versions.
    schema_minimum: str | None = None

    max_concurrency: int = Field(64, ge=1)
    max_queue: int = Field(1000, ge=0)
    queue_seconds: float = Field(2.0, gt=0)
    body_limit_bytes: int = Field(1024 * 1024, ge=1)
    body_seconds: float = Field(10.0, gt=0)

    otel_exporter_otlp_endpoint: str | None = None
    otel_traces_sampler_arg: float = Field(0.05, ge=0, le=1)

    @field_validator("database_url")
    @classmethod
    def _well_formed(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_database_url(value.get_secret_value())
        return value

    @field_validator("host", mode="before")
    @classmethod
    def _without_brackets(cls, value: object) -> object:
        return value.strip().removeprefix("[").removesuffix("]") if isinstance(value, str) else value

    @field_validator("root_path", mode="before")
    @classmethod
    def _without_slash(cls, value: object) -> object:
        return value.strip().rstrip("/") if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("backend_cors_origins", mode="before")
    @classmethod
    def _origins(cls, value: object) -> object:
        """A comma-separated list of origins (RFC 6454): scheme, host and port, nothing else."""
        origins = value.split(",") if isinstance(value, str) else value
        if not isinstance(origins, list):
            return origins
        origins = [str(origin).strip().rstrip("/") for origin in origins if str(origin).strip()]
        for origin in origins:
            parts = urlsplit(origin)
            if origin != "*" and (
                parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc}"
            ):
                raise ValueError("wants origins such as https://shop.example.com, separated by commas")
        return origins

    @cached_property
    def sqlalchemy_url(self) -> URL:
        if self.database_url is not None:
            return parse_database_url(self.database_url.get_secret_value())
        return URL.create(
            "postgresql+asyncpg",
            self.postgres_user,
            self.postgres_password.get_secret_value(),
            self.postgres_server,
            self.postgres_port,
            self.postgres_db,
        )

    @property
    def bind_host(self) -> str:
        # In a container every interface is the pod's own; on a developer's machine nobody else is invited.
        return self.host or ("127.0.0.1" if self.is_development else "0.0.0.0")  # noqa: S104

    @property
    def drain(self) -> float:
        """Seconds of lame duck before a shutdown: none where no load balancer has to notice."""
        return self.drain_seconds if self.drain_seconds is not None else (0.0 if self.is_development else 15.0)

    @property
    def docs(self) -> bool:
        return self.docs_enabled if self.docs_enabled is not None else self.environment != "production"

    def refusals(self) -> list[str]:
        found = []
        if self.database_url is None:
            for name in ("postgres_server", "postgres_user", "postgres_password", "postgres_db"):
                if name not in self.model_fields_set:
                    found.append(f"{name.upper()} is not set (or set DATABASE_URL instead of all POSTGRES_*)")
        variable = "POSTGRES_PASSWORD" if self.database_url is None else "DATABASE_URL"
        if (self.database_url is not None or "postgres_password" in self.model_fields_set) and (
            self.sqlalchemy_url.password in PUBLIC_PASSWORDS
        ):
            found.append(f"{variable} has a password that everybody knows")
        if "*" in self.backend_cors_origins:
            found.append("BACKEND_CORS_ORIGINS lets every origin in: name them")
        return found


def load(*models: type[EnvironmentSettings], files: bool = True) -> list[EnvironmentSettings]:
    """Make each of `models`. Raises ConfigurationError once, with the problems of all of them.

    `files`: whether /run/secrets and .env of this machine count.
    """
    secrets = SECRETS_DIR if files and SECRETS_DIR.is_dir() else None
    secret_name = None if secrets is None else secrets / "ENVIRONMENT"
    stated = secret_name.read_text().strip() if secret_name and secret_name.is_file() else os.environ.get("ENVIRONMENT")
    dotenv = ROOT / ".env" if files and stated in (None, "", "local") else None
    loaded: list[EnvironmentSettings] = []
    problems: list[str] = []
    for model in models:
        try:
            # pydantic-settings takes these two at run time only.
            settings = model(_env_file=dotenv, _secrets_dir=secrets)  # pyrefly: ignore
        except ValidationError as error:
            problems += [_explain(model, fault) for fault in error.errors(include_url=False, include_input=False)]
            continue
        if not settings.is_development:
            problems += [f"{fault} [ENVIRONMENT={settings.environment}]" for fault in settings.refusals()]
        loaded.append(settings)
    if problems:
        raise ConfigurationError(list(dict.fromkeys(problems)))
    return loaded


def _explain(model: type[EnvironmentSettings], fault: Any) -> str:
    if not fault["loc"]:  # of several settings, which the message names
        return str(fault["msg"]).removeprefix("Value error, ")
    name = str(fault["loc"][0])
    prefix = "" if name.isupper() else model.model_config.get("env_prefix", "")
    return f"{prefix}{name.upper()}: {fault['msg'].removeprefix('Value error, ')}"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once. Raises ConfigurationError."""
    settings = load(Settings)[0]
    assert isinstance(settings, Settings)  # noqa: S101 - for the type checker
    return settings
